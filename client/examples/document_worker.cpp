// The worker of the demo: prepares documents for retrieval.
//
//   document_worker --url URL --queue QUEUE [--concurrency N] [--id NAME] [--transient-share 0.05]
//
// A job {"path": FILE, "corpus": FOLDER?} becomes
//   {"fileBytes", "sha256",                     of the file as it lies on disk
//    "bytes", "characters", "words", "lines",   of its text, unpacked where it is gzip
//    "chunks": [{"start","end"}…],              byte offsets in the text, with overlap
//    "topTerms": [{"term","score"}…]}           by TF-IDF
// TF-IDF asks how rare a term is elsewhere. That is answered by a sample of the corpus folder (the file's own
// folder when none is named), taken once a folder by each worker; it depends only on the folder's files, so
// every worker gives the same scores.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>

#include "client/examples/document/chunker.h"
#include "client/examples/document/sha256.h"
#include "client/examples/document/text_file.h"
#include "client/examples/document/tf_idf.h"
#include "client/examples/document/utf8.h"

namespace {

using nlohmann::json;

constexpr std::size_t text_bytes_max = 64u << 20;
constexpr std::size_t top_terms_count = 10;

/// What goes wrong once and not the next time: here made on purpose.
struct transient_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The term frequencies of each corpus, sampled by whoever asks first.
class Corpora {
 public:
  std::shared_ptr<const document::DocumentFrequencies> of(const std::string& folder) {
    const std::lock_guard lock(mutex_);  // the others would only sample the same folder again
    auto& known = by_folder_[folder];
    if (!known)
      known = std::make_shared<const document::DocumentFrequencies>(document::sample_folder(folder));
    return known;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const document::DocumentFrequencies>> by_folder_;
};

/// Even over job ids, and the same for an id in every process.
bool drawn(std::string_view job_id, double share) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : job_id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash ^= hash >> 32;
  return static_cast<double>(hash % 10'000) < share * 10'000;
}

json prepare(pawl::Job& job, const std::string& path, const document::DocumentFrequencies& frequencies) {
  job.progress(10, "reading");
  const std::string text = document::read_text_file(path, text_bytes_max);
  const auto counts = document::count_text(text);
  if (!counts) throw pawl::permanent_error("not-text", path + " is binary, or its text is not UTF-8");
  const auto digest = document::digest_file(path);

  job.progress(40, "splitting");
  json chunks = json::array();
  for (const auto& chunk : document::split(text))
    chunks.push_back({{"start", chunk.start}, {"end", chunk.end}});

  job.progress(70, "weighing terms");
  json terms = json::array();
  for (const auto& [term, score] : document::top_terms(text, frequencies, top_terms_count)) {
    terms.push_back({{"term", term}, {"score", std::round(score * 1e6) / 1e6}});
  }
  job.progress(100, "done");
  return {{"fileBytes", digest.bytes},        {"sha256", digest.sha256},     {"bytes", text.size()},
          {"characters", counts->characters}, {"words", counts->words},      {"lines", counts->lines},
          {"chunks", std::move(chunks)},      {"topTerms", std::move(terms)}};
}

json work(pawl::Job& job, Corpora& corpora, double transient_share) {
  if (job.attempt() == 1 && drawn(job.id(), transient_share)) {
    throw transient_error("made up: the file server did not answer");
  }
  const json payload = job.payload();
  const auto member = [&](const char* key) {
    const auto at = payload.is_object() ? payload.find(key) : payload.end();
    return at != payload.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const std::string path = member("path");
  if (path.empty())
    throw pawl::permanent_error("bad-payload", R"(the payload must be {"path": FILE, "corpus": FOLDER?})");
  std::string corpus = member("corpus");
  if (corpus.empty()) corpus = std::filesystem::path(path).parent_path().string();
  try {
    return prepare(job, path, *corpora.of(corpus));
  } catch (const document::unusable& error) {
    throw pawl::permanent_error(error.type(), error.what());
  }
}

struct Options {
  std::string url = "http://127.0.0.1:7711";
  std::string queue = "documents";
  std::string id;
  unsigned concurrency = 2;
  double transient_share = 0;
};

bool read_number(std::string_view text, auto& number) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && stop == text.data() + text.size();
}

bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    const std::string_view value = argv[i + 1];
    if (key == "--url") {
      options.url = value;
    } else if (key == "--queue") {
      options.queue = value;
    } else if (key == "--id") {
      options.id = value;
    } else if (key == "--concurrency") {
      if (!read_number(value, options.concurrency) || options.concurrency < 1) return false;
    } else if (key == "--transient-share") {
      if (!read_number(value, options.transient_share) || options.transient_share < 0 ||
          options.transient_share > 1) {
        return false;
      }
    } else {
      return false;
    }
  }
  return argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fprintf(
        stderr,
        "usage: document_worker [--url URL] [--queue QUEUE] [--concurrency N] [--id NAME]\n"
        "                       [--transient-share 0…1]   this share of first attempts fails on purpose\n");
    return 2;
  }
  if (options.transient_share > 0) {
    std::fprintf(stderr, "%g %% of first attempts will fail on purpose, to show retries\n",
                 options.transient_share * 100);
  }
  Corpora corpora;
  pawl::WorkerOptions setup;
  setup.url = options.url;
  setup.worker_id = options.id;
  setup.queues = {{options.queue}};
  setup.concurrency = options.concurrency;
  setup.on_notice = [](std::string_view line) {
    std::fprintf(stderr, "document_worker: %.*s\n", static_cast<int>(line.size()), line.data());
  };
  pawl::Worker worker(std::move(setup));
  worker.on_any([&](pawl::Job& job) { return work(job, corpora, options.transient_share); });
  worker.run_until_signal();
  return 0;
} catch (const pawl::Exception& error) {
  std::fprintf(stderr, "document_worker: %s\n", error.what());
  return 1;
}
