#include <array>

#include "broker/app/metrics.h"

namespace pawl::app {
namespace {

using enum MetricSpec::Type;

constexpr std::array table{
    MetricSpec{"pawl_build_info", gauge, "version", "Always 1; the label says which Pawl this is."},
    MetricSpec{"pawl_start_time_seconds", gauge, "", "When the broker started, in seconds since 1970."},
    MetricSpec{"pawl_ready", gauge, "",
               "1 while the broker serves, 0 while it stops or after a failed write."},
    MetricSpec{"pawl_queue_jobs", gauge, "queue,state", "Jobs of a queue by state."},
    MetricSpec{"pawl_queue_dead_letters", gauge, "queue", "Jobs in the dead letter queue."},
    MetricSpec{"pawl_queue_oldest_pending_seconds", gauge, "queue",
               "Age of the oldest job that waits for a worker."},
    MetricSpec{
        "pawl_queue_estimated_wait_seconds", gauge, "queue",
        "Waiting jobs times mean run time, divided by busy slots; +Inf when nobody works on the queue."},
    MetricSpec{"pawl_queue_paused", gauge, "queue", "1 while the queue is paused."},
    MetricSpec{"pawl_queue_workers", gauge, "queue",
               "Polls and connections that ask for jobs of the queue now."},
    MetricSpec{"pawl_queue_slots", gauge, "queue", "Jobs that those workers could hold in all."},
    MetricSpec{"pawl_leases", gauge, "", "Leases held, over all queues."},
    MetricSpec{"pawl_workers", gauge, "connected",
               "Workers seen of late, by whether a WebSocket connects them."},
    MetricSpec{"pawl_jobs_submitted_total", counter, "queue,name", "Jobs submitted."},
    MetricSpec{"pawl_jobs_cancelled_total", counter, "queue,name", "Jobs cancelled."},
    MetricSpec{"pawl_attempts_total", counter, "queue,name,outcome",
               "Attempts that ended: completed, retried, failed, released, stalled or timed_out."},
    MetricSpec{"pawl_stalls_total", counter, "queue,name",
               "Leases that were lost: nobody settled them in time."},
    MetricSpec{"pawl_job_wait_seconds", histogram, "queue,name", "From a job being ready to its lease."},
    MetricSpec{"pawl_job_run_seconds", histogram, "queue,name", "From a lease to its settle."},
    MetricSpec{"pawl_engine_commands_total", counter, "", "Commands carried out."},
    MetricSpec{"pawl_engine_batches_total", counter, "", "Batches committed."},
    MetricSpec{"pawl_engine_inbox_commands", gauge, "", "Commands that wait for the engine."},
    MetricSpec{"pawl_commit_batch_commands", gauge, "", "Mean number of commands in a batch of late."},
    MetricSpec{"pawl_commit_seconds", histogram, "",
               "From a batch being handed to the store to its being durable."},
    MetricSpec{"pawl_store_commits_total", counter, "", "Batches that the store wrote."},
    MetricSpec{"pawl_store_syncs_total", counter, "", "fsyncs of the log; several batches may share one."},
    MetricSpec{"pawl_store_sync_seconds_total", counter, "", "Time spent in these fsyncs."},
    MetricSpec{"pawl_store_last_sync_seconds", gauge, "", "How long the latest fsync took."},
    MetricSpec{"pawl_store_keys_total", counter, "", "Keys put and erased."},
    MetricSpec{"pawl_store_written_bytes_total", counter, "", "Bytes of these keys and their values."},
    MetricSpec{"pawl_store_disk_bytes", gauge, "", "Size of the store's files."},
    MetricSpec{"pawl_store_free_bytes", gauge, "", "Free space of the disk that holds them."},
    MetricSpec{"pawl_store_memory_bytes", gauge, "", "Memory of the store's cache and write buffers."},
    MetricSpec{"pawl_store_write_stalled", gauge, "",
               "1 while a commit would block; submits are then refused."},
    MetricSpec{"pawl_store_low_on_space", gauge, "",
               "1 while the disk is nearly full; submits are then refused."},
    MetricSpec{
        "pawl_push_requests_total", counter, "outcome",
        "Requests of push queues by what was answered: completed, failed, rate_limited, or abandoned."},
    MetricSpec{"pawl_push_requests_under_way", gauge, "",
               "Requests of push queues that are not answered yet."},
    MetricSpec{"pawl_http_requests_total", counter, "route,method,status", "Requests answered."},
    MetricSpec{"pawl_http_request_seconds", histogram, "route,method",
               "From a request being read to its answer."},
    MetricSpec{"pawl_http_connections", gauge, "", "Open connections."},
    MetricSpec{"pawl_http_event_streams", gauge, "", "Open event streams."},
    MetricSpec{"pawl_http_worker_connections", gauge, "", "Workers connected by WebSocket."},
    MetricSpec{"pawl_http_connections_accepted_total", counter, "", "Connections accepted."},
    MetricSpec{"pawl_http_connections_refused_total", counter, "",
               "Connections closed at once: one address had too many."},
    MetricSpec{"pawl_http_connections_timed_out_total", counter, "", "Connections closed by a time limit."},
    MetricSpec{"pawl_http_event_streams_dropped_total", counter, "",
               "Event streams closed: the client did not keep up."},
    MetricSpec{"pawl_http_received_bytes_total", counter, "", "Bytes received."},
    MetricSpec{"pawl_http_sent_bytes_total", counter, "", "Bytes sent."},
    MetricSpec{"pawl_process_resident_memory_bytes", gauge, "", "Memory that the process holds."},
    MetricSpec{"pawl_process_cpu_seconds_total", counter, "", "Processor time that the process used."},
    MetricSpec{"pawl_process_open_fds", gauge, "", "Open file descriptors."},
};

}  // namespace

std::span<const MetricSpec> metrics_table() { return table; }

}  // namespace pawl::app
