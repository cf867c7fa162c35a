// Bodies that were right once, with a few bytes changed: no reader may crash, hang or take what is not JSON.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "broker/http/api/json_reader.h"
#include "broker/http/api/query.h"
#include "broker/http/api/requests.h"
#include "broker/http/api/worker_frames.h"

namespace pawl::http::api {
namespace {

constexpr int rounds = 30'000;
const core::JobId id = core::JobId::from_words(0x0199b3c27a107000, 0x80000000a1f40001);

const std::vector<std::string> seeds{
    R"({"queue":"q","name":"n","payload":{"a":[1,-2.5e3,null],"b":"\u00e4\ud83d\ude00"},"priority":-7,"delayMs":5,"backoff":{"type":"fixed","delayMs":5,"factor":1.5,"jitter":0},"uniqueKey":"k","uniqueForMs":8,"retention":{"failedMs":null},"tags":["x","y"]})",
    R"({"jobs":[{"queue":"a"},{"queue":"b","runAt":"2026-10-04T11:08:07.006+02:00"}]})",
    R"({"workerId":"w","max":10,"waitMs":30000,"names":["a","b"]})",
    R"({"leaseId":"00000000000004d2","progress":42.5,"message":"m","leaseMs":1000})",
    R"({"settlements":[{"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","leaseId":"00000000000004d2","outcome":"fail","error":{"type":"T","message":"m","stack":"s"},"permanent":true}]})",
    R"({"paused":true,"pauseReason":null,"defaults":{"maxAttempts":5,"leaseMs":null}})",
    R"({"jobIds":["0199b3c2-7a10-7000-8000-0000a1f40001"],"all":true,"perSecond":0.5})",
    R"({"type":"hello","workerId":"w1","queues":[{"queue":"video","weight":3}],"names":["e"],"credit":16,"leases":[{"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","leaseId":"00000000000004d2"}]})",
    R"({"type":"settle","id":7,"settlements":[{"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","leaseId":"00000000000004d2","outcome":"complete","result":[1]}]})",
};

class Mutator {
 public:
  std::string next() {
    std::string text = seeds[below(seeds.size())];
    const std::size_t changes = 1 + below(4);
    for (std::size_t i = 0; i < changes && !text.empty(); ++i) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return words_() % bound; }
  void change(std::string& text) {
    constexpr std::string_view bytes = "{}[]\",:\\u0e19-+.tfn \n\x01\x7f\x80\xc3\xed\xf4\xff";
    const std::size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = bytes[below(bytes.size())];
        break;
      case 1:
        text.insert(at, 1, bytes[below(bytes.size())]);
        break;
      case 2:
        text.erase(at, 1 + below(8));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(30)));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  std::mt19937_64 words_{20'261'004};
};

TEST(MutationTest, NoReaderTakesWhatIsNotJson) {
  const Limits limits;
  Mutator mutator;
  int broken = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::string text = mutator.next();
    JsonReader json(text);
    json.skip();
    json.finish();
    const bool is_json = !json.error();
    broken += is_json ? 0 : 1;
    const auto check = [&](const auto& parsed) {
      if (is_json) return;
      ASSERT_FALSE(parsed) << text;
      ASSERT_EQ(parsed.error().type.status, 400u) << text;
      ASSERT_LE(parsed.error().place->offset, text.size());
    };
    check(read_submit(text, limits));
    check(read_batch(text, limits));
    check(read_lease(text, "q", limits));
    check(read_heartbeat(text, id, limits));
    check(read_settle(text, limits));
    check(read_settlement(text, id, core::Settlement::Outcome::fail, limits));
    check(read_logs(text, id, limits));
    check(read_put_queue(text, "q", limits));
    check(read_dead_letter_choice(text, false, limits));
    const auto frame = read_worker_frame(text, limits);
    if (!is_json) {
      ASSERT_FALSE(frame) << text;
      ASSERT_EQ(frame.error().close_code, 1007) << text;
    }
    Query query(text);
    query.text("queue");
    query.verdict();
  }
  EXPECT_GT(broken, rounds / 4);
  EXPECT_LT(broken, rounds);
}

}  // namespace
}  // namespace pawl::http::api
