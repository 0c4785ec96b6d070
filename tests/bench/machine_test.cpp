// What the system says of itself, read from its texts.
#include "bench/machine.h"

#include <doctest/doctest.h>

#include "bench/options.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

TEST_CASE("processor time is read from /proc/stat's first line") {
  // user nice system idle iowait irq softirq steal guest
  const CpuTimes t = parse_cpu_times("cpu  100 20 30 4000 500 6 7 80 0 0\ncpu0 1 1 1 1\n", 100);
  CHECK(t.busy == doctest::Approx(1.63));  // idle and waiting for disks are not busy
  CHECK(t.steal == doctest::Approx(0.8));
  CHECK(parse_cpu_times("", 100).busy == 0);
  CHECK(parse_cpu_times("nonsense 1 2 3", 100).steal == 0);
}

TEST_CASE("names and ranges") {
  CHECK(cpu_name_of("processor\t: 0\nmodel name\t: Fine CPU @ 1 GHz\nflags: x\n") ==
        "Fine CPU @ 1 GHz");
  CHECK(cpu_name_of("Hardware: other") == "unknown");
  CHECK(cpu_name_of("") == "unknown");
  CHECK(ranges({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8");
  CHECK(ranges({3}) == "3");
  CHECK(ranges({}).empty());
}

TEST_CASE("the machine is described without gaps") {
  const Machine m = read_machine();
  for (const std::string& text : {m.cpu, m.isa, m.isas, m.compiler, m.flags, m.commit, m.affinity,
                                  m.governor, m.load, m.caches}) {
    CHECK_FALSE(text.empty());
  }
  CHECK(m.processors >= 1);
  CHECK(m.isas.find(m.isa) != std::string::npos);
}

TEST_CASE("eviction changes no byte") {
  std::vector<char> bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = char(i);
  const auto before = bytes;
  evict(bytes.data() + 3, 901);
  CHECK(bytes == before);
}

Options parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "talweg_bench");
  Options options;
  int code = 0;
  REQUIRE(parse_options(int(arguments.size()), arguments.data(), options, code));
  return options;
}

TEST_CASE("the command line decides what there is and how it is measured") {
  const Options o =
      parse({"ocr", "--threads", "2,1,2", "--algo", "wino2", "--face", "fwd", "--shape",
             "1x1x4x4-1x3x3", "--cold", "all", "--pin", "--seconds", "0.1"});
  CHECK(o.filter == "ocr");
  CHECK(o.suite.threads == std::vector<int>{1, 2});
  CHECK(o.suite.algos == std::vector<std::string>{"wino2"});
  CHECK(o.suite.faces == std::vector<Conv2dFace>{Conv2dFace::forward});
  CHECK(o.suite.shapes.size() == 1);
  CHECK(o.suite.isas.size() == 1);
  CHECK(o.run.cold == Cold::all);
  CHECK(o.run.pin);
  CHECK(o.run.how_options.find("--cold all --pin") != std::string::npos);
  CHECK(o.run.what_options == "--shape 1x1x4x4-1x3x3 --threads 2,1,2 --algo wino2");
  CHECK_FALSE(o.compare);

  const Options c = parse({"compare", "a.json", "b.json", "--threshold", "5%"});
  CHECK(c.compare);
  CHECK(c.compare_a == "a.json");
  CHECK(c.threshold == "5%");
}

TEST_CASE("what cannot be done is refused before anything is measured") {
  const auto refused = [](std::vector<const char*> arguments, const char* reason) {
    arguments.insert(arguments.begin(), "talweg_bench");
    Options options;
    int code = 0;
    CHECK_THROWS_WITH_AS(parse_options(int(arguments.size()), arguments.data(), options, code),
                         doctest::Contains(reason), Error);
  };
  refused({"--isa", "nonsense"}, "is unknown, or this processor lacks it");
  refused({"--algo", "wino3"}, "choose of: direct");
  refused({"--face", "sideways"}, "unknown face 'sideways'");
  refused({"--shape", "1x1x2x2-1x3x3"}, "more than the padded input's 2");
  Options options;
  int code = 0;
  const char* bad[] = {"talweg_bench", "--threads", "0"};
  CHECK_FALSE(parse_options(3, bad, options, code));
  CHECK(code == 2);
}

}  // namespace
}  // namespace talweg::bench
