import {render} from 'preact';

import {App} from './app';
import {watchStream} from './live/live';
import {watchBroker} from './state/broker';
import {listenToKeys} from './state/keys';
import {followLinks} from './state/place';
import './style/style.css';

followLinks();
listenToKeys();
watchBroker();
watchStream();
// The page comes with the bar alone, so that something is there before the script has run.
document.body.replaceChildren();
render(<App />, document.body);
