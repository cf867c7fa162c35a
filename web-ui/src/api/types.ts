// The names that screens use for what docs/openapi.yaml describes. schema.d.ts is made from it: npm run types.
import type {components, operations} from './schema';

type Schemas = components['schemas'];

export type Status = Schemas['Status'];
export type Job = Schemas['Job'];
export type ListedJob = Schemas['ListedJob'];
export type AttemptError = Schemas['AttemptError'];
export type Queue = Schemas['Queue'];
export type QueueChange = Schemas['QueueChange'];
export type Reason = Schemas['Reason'];
export type Schedule = Schemas['Schedule'];
export type Worker = Schemas['Worker'];
export type Stats = Schemas['Stats'];
export type Spread = Schemas['Spread'];
export type Counts = Schemas['Counts'];
export type AuditEntry = operations['listAudit']['responses'][200]['content']['application/json']['entries'][number];
export type Operation = Schemas['Operation'];
export type FailureGroup = Schemas['FailureGroup'];
export type WorkflowHead = Schemas['WorkflowHead'];
export type Workflow = Schemas['Workflow'];
export type Group = Schemas['Group'];
export type Limit = Schemas['Limit'];
export type RateLimit = Schemas['RateLimit'];
export type Problem = Schemas['Problem'];
export type Submitted = Schemas['Submitted'];

export interface LogLine {
  at: string;
  text: string;
}

/// The data of a Server-Sent Event.
export interface JobEvent {
  kind: 'status' | 'progress' | 'log';
  jobId: string;
  queue: string;
  name: string;
  status: Status;
  at: string;
  attempt: number;
  progress?: number | null;
  message?: string | null;
  errorType?: string;
  lines?: string[];
}

export const hasEnded = (status: Status) => ['completed', 'failed', 'cancelled'].includes(status);
export const statuses: readonly Status[] = ['pending', 'active', 'delayed', 'blocked', 'stalled', 'completed', 'failed', 'cancelled'];
