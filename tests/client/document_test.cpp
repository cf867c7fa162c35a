#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "client/examples/document/chunker.h"
#include "client/examples/document/sha256.h"
#include "client/examples/document/text_file.h"
#include "client/examples/document/tf_idf.h"
#include "client/examples/document/utf8.h"

namespace document {
namespace {

using namespace std::string_literals;

TEST(CountTextTest, CountsCharactersWordsAndLines) {
  const struct {
    std::string text;
    std::size_t characters, words, lines;
  } table[] = {
      {"", 0, 0, 0},      {"one", 3, 1, 1},
      {"one\n", 4, 1, 1}, {"one two\nthree", 13, 3, 2},
      {"\n\n", 2, 0, 2},  {"  caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x98\n", 11, 3, 1},
  };
  for (const auto& row : table) {
    const auto counts = count_text(row.text);
    ASSERT_TRUE(counts) << row.text;
    EXPECT_EQ(counts->characters, row.characters) << row.text;
    EXPECT_EQ(counts->words, row.words) << row.text;
    EXPECT_EQ(counts->lines, row.lines) << row.text;
  }
}

TEST(CountTextTest, RefusesWhatIsNoText) {
  for (const std::string& bytes :
       {"a\0b"s, "\x80"s, "\xc0\xaf"s, "\xc3"s, "\xe0\x80\xaf"s, "\xed\xa0\x80"s, "\xf0\x80\x80\xaf"s,
        "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s, "caf\xe9"s, "\xe2\x82"s}) {
    EXPECT_FALSE(count_text(bytes)) << testing::PrintToString(bytes);
  }
  for (const std::string& bytes : {"\xef\xbf\xbf"s, "\xed\x9f\xbf"s, "\xee\x80\x80"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_TRUE(count_text(bytes)) << testing::PrintToString(bytes);
  }
}

void expect_sound(const std::string& text, const std::vector<Chunk>& chunks, ChunkSize size) {
  ASSERT_FALSE(chunks.empty());
  EXPECT_EQ(chunks.front().start, 0u);
  EXPECT_EQ(chunks.back().end, text.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    EXPECT_LT(chunks[i].start, chunks[i].end);
    EXPECT_LE(chunks[i].end - chunks[i].start, size.bytes);
    EXPECT_EQ(character_start(text, chunks[i].start), chunks[i].start);
    EXPECT_EQ(character_start(text, chunks[i].end), chunks[i].end);
    if (i == 0) continue;
    EXPECT_GT(chunks[i].start, chunks[i - 1].start);
    EXPECT_LE(chunks[i].start, chunks[i - 1].end) << "nothing is left out";
    EXPECT_GE(chunks[i].start + size.overlap + 3, chunks[i - 1].end);
  }
}

TEST(ChunkerTest, ShortTextIsOneChunkAndEmptyTextNone) {
  EXPECT_TRUE(split("").empty());
  EXPECT_EQ(split("short"), (std::vector<Chunk>{{0, 5}}));
}

TEST(ChunkerTest, EndsWhereAParagraphDoes) {
  const std::string text = std::string(70, 'a') + "\n\n" + std::string(70, 'b');
  EXPECT_EQ(split(text, {.bytes = 100, .overlap = 0}), (std::vector<Chunk>{{0, 72}, {72, 142}}));
}

TEST(ChunkerTest, OverlapBeginsAtAWord) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "word" + std::to_string(i) + " ";
  const auto chunks = split(text, {.bytes = 100, .overlap = 30});
  expect_sound(text, chunks, {.bytes = 100, .overlap = 30});
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    EXPECT_LT(chunks[i].start, chunks[i - 1].end) << "there is an overlap";
    EXPECT_EQ(text.substr(chunks[i].start, 4), "word");
  }
}

TEST(ChunkerTest, CoversTextOfEverySizeAndAlphabet) {
  const std::string alphabets[] = {"x", "\xe2\x82\xac", "\xf0\x9f\x90\x98", "a b. c\n", "\xc3\xa9\n\n"};
  for (const std::string& letters : alphabets) {
    for (std::size_t repeat = 1; repeat < 200; repeat += 7) {
      std::string text;
      for (std::size_t i = 0; i < repeat; ++i) text += letters;
      for (const ChunkSize size : {ChunkSize{8, 0}, ChunkSize{8, 3}, ChunkSize{50, 20}}) {
        expect_sound(text, split(text, size), size);
      }
    }
  }
}

TEST(TermsTest, AreLowerCaseWordsWithALetter) {
  std::vector<std::string> terms;
  for_each_term("The QUICK brown-fox, x86 1234 ab caf\xc3\xa9!",
                [&](std::string_view term) { terms.emplace_back(term); });
  EXPECT_EQ(terms, (std::vector<std::string>{"the", "quick", "brown", "fox", "x86", "caf\xc3\xa9"}));
}

TEST(TfIdfTest, TheTermThatOthersLackComesFirst) {
  DocumentFrequencies frequencies;
  frequencies.add("the license of the program");
  frequencies.add("the license of the library");
  frequencies.add("the ratchet and the pawl");
  EXPECT_EQ(frequencies.documents(), 3u);
  EXPECT_GT(frequencies.inverse("pawl"), frequencies.inverse("license"));
  EXPECT_GT(frequencies.inverse("unheard"), frequencies.inverse("pawl"));
  const auto top = top_terms("the pawl of the license", frequencies, 2);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0].term, "the");  // twice as often, and never worth nothing
  EXPECT_EQ(top[1].term, "pawl");
  EXPECT_DOUBLE_EQ(top[1].score, 0.25 * frequencies.inverse("pawl"));
}

TEST(TfIdfTest, TermsOfEqualScoreComeByName) {
  const auto top = top_terms("bee ant cat", DocumentFrequencies(), 10);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].term, "ant");
  EXPECT_EQ(top[2].term, "cat");
}

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pawl-document-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return (folder_ / name).string();
  }
  std::string write_gzip(const std::string& name, const std::string& bytes) {
    const std::string path = (folder_ / name).string();
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return path;
  }
  static std::string refusal(const std::string& path, std::size_t most = 1u << 20) {
    try {
      (void)read_text_file(path, most);
      return "none";
    } catch (const unusable& error) {
      return error.type();
    }
  }

  std::filesystem::path folder_;
};

TEST_F(FilesTest, ReadsPlainAndGzipAlike) {
  const std::string text = "some text\n" + std::string(600'000, 'x');
  EXPECT_EQ(read_text_file(write("plain", text), 1u << 20), text);
  EXPECT_EQ(read_text_file(write_gzip("packed", text), 1u << 20), text);
  EXPECT_EQ(read_text_file(write("empty", ""), 1u << 20), "");
}

TEST_F(FilesTest, SaysWhyAFileIsNoDocument) {
  const std::string packed = write_gzip("packed.gz", std::string(100'000, 'x'));
  EXPECT_EQ(refusal(packed, 99'999), "too-large");
  std::filesystem::resize_file(packed, std::filesystem::file_size(packed) / 2);
  EXPECT_EQ(refusal(packed), "bad-gzip");
  EXPECT_EQ(refusal((folder_ / "nowhere").string()), "not-found");
  EXPECT_EQ(refusal(folder_.string()), "not-a-file");
}

TEST_F(FilesTest, DigestIsOfTheBytesOnDisk) {
  const auto digest = digest_file(write("abc", "abc"));
  EXPECT_EQ(digest.bytes, 3u);
  EXPECT_EQ(digest.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(FilesTest, ASampleLeavesOutWhatIsNoText) {
  write("a", "alpha");
  write("b", "alpha beta\0gamma"s);
  write_gzip("c.gz", "alpha delta");
  const auto frequencies = sample_folder(folder_.string());
  EXPECT_EQ(frequencies.documents(), 2u);
  EXPECT_LT(frequencies.inverse("alpha"), frequencies.inverse("delta"));
  EXPECT_EQ(sample_folder(folder_.string(), 1).documents(), 1u);
  EXPECT_EQ(sample_folder((folder_ / "nowhere").string()).documents(), 0u);
}

}  // namespace
}  // namespace document
