// The hub in a SharedWorker: all tabs of a browser share its one stream.
import {Hub, type TabMessage} from './hub';

const hub = new Hub();

(self as unknown as {onconnect: (event: MessageEvent) => void}).onconnect = (event) => {
  const port = event.ports[0]!;
  port.onmessage = ({data}: MessageEvent<TabMessage>) => {
    if (data.kind === 'bye') hub.drop(port);
    else hub.set(port, data.want, (message) => port.postMessage(message), data.token, data.root);
  };
};
