// A replay or purge that goes on in the broker: how far it is, and a way to stop it.
import {useEffect} from 'preact/hooks';

import {api} from '../../api/api';
import {Care, hasEnded, OperationButtons} from '../../parts/operation';
import {Problem} from '../../parts/problem';
import {Time} from '../../parts/time';
import {usePoll} from '../../state/use-poll';
import {count} from '../../text/format';

export function OperationPanel({id, close, ended}: {id: string; close: () => void; ended: () => void}) {
  const {data, failure, refresh} = usePoll(id, (signal) => api.operation(id, signal), 1000);
  const over = data !== null && hasEnded(data);
  useEffect(() => {
    if (over) ended();
  }, [over]);
  return (
    <section class="panel pad operation" aria-label="Operation">
      {failure && <Problem failure={failure} />}
      {data && (
        <div class="row">
          <strong>{data.action === 'replay' ? 'Replay' : data.action === 'purge' ? 'Purge' : 'Drain'} of {data.queue}</strong>
          <span role="status"><b class="num">{count(data.done)}</b> done{data.skipped > 0 && <>, <b class="num">{count(data.skipped)}</b> had changed meanwhile</>}{data.perSecond && <> · {data.perSecond}/s</>} · {data.state}<Care operation={data} /></span>
          <span class="muted">started <Time at={data.startedAt} /></span>
          <span class="grow" />
          {!over && <OperationButtons operation={data} then={refresh} />}
          <button type="button" class="button small quiet" onClick={close}>Hide</button>
        </div>
      )}
    </section>
  );
}
