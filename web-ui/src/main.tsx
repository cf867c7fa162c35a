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
render(<App />, document.body);
