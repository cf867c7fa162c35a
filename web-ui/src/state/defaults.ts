/// What the broker does for a queue that says nothing.
export const brokerDefaults = {
  maxStalls: 3,
  leaseMs: 30_000,
  timeoutMs: null,
  backoff: {type: 'exponential', delayMs: 10_000, factor: 4, maxDelayMs: 3_600_000, jitter: 0.1},
  retention: {completedMs: 86_400_000, failedMs: null},
};
