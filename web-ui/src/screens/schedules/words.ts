import type {Schedule} from '../../api/types';
import {cronWords, everyWords} from '../../text/cron-words';

/// "At 02:30, Monday to Friday"; what has no good words is shown as it is written.
export function timetableWords({cron, everyMs}: Pick<Schedule, 'cron' | 'everyMs'>): string {
  if (everyMs) return everyWords(everyMs);
  return (cron && cronWords(cron)) || (cron ?? '');
}

/// What happens when the zone's clocks change; null where they never do or it does not matter.
export function clockChangeNote({cron, timezone}: Pick<Schedule, 'cron' | 'timezone'>): string | null {
  if (!cron || !timezone || timezone === 'UTC' || !changesClocks(timezone)) return null;
  const fields = cron.trim().split(/\s+/);
  const hours = fields.length === 6 ? fields[2] : fields[1];
  if (cron.startsWith('@hourly') || hours === '*' || hours === '*/1' || hours === '0-23') {
    return 'When clocks change it follows real time: a repeated hour runs twice, a skipped one not at all.';
  }
  return 'When clocks change: a time that is skipped runs at the moment of the change, one that comes twice runs once.';
}

function changesClocks(zone: string): boolean {
  const year = new Date().getUTCFullYear();
  const offset = (month: number) => {
    const parts = new Intl.DateTimeFormat('en', {timeZone: zone, timeZoneName: 'longOffset'}).formatToParts(Date.UTC(year, month, 1));
    return parts.find(({type}) => type === 'timeZoneName')?.value;
  };
  try {
    return offset(0) !== offset(6);
  } catch {
    return false;
  }
}
