// Choosing an instruction set. The forced name comes from the environment when the test program is
// run by ctest as kernels_portable, kernels_avx2, ...; the same cases then cover each of them.
#include <cstdlib>

#include "core/error.h"
#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {

TEST_CASE("without TALWEG_ISA the best available instruction set runs, with it the named one") {
  const char* asked = std::getenv("TALWEG_ISA");
  const std::string expected =
      asked != nullptr && *asked != '\0' ? asked : available_isas().front();
  CHECK(table<float>().name == expected);
}

TEST_CASE("the portable instruction set is always available") {
  CHECK(available_isas().back() == "portable");
}

TEST_CASE("ScopedIsa puts the named table in use and restores the one before") {
  const std::string before = table<float>().name;
  {
    const ScopedIsa outer("reference");
    CHECK(table<float>().name == std::string("reference"));
    {
      const ScopedIsa inner("portable");
      CHECK(table<float>().name == std::string("portable"));
    }
    CHECK(table<float>().name == std::string("reference"));
  }
  CHECK(table<float>().name == before);
}

TEST_CASE("an unknown instruction set is refused with the list of available ones") {
  try {
    const ScopedIsa scope("sse9");
    FAIL("sse9 was accepted");
  } catch (const IoError& e) {
    const std::string text = e.what();
    CHECK(text.find("unknown instruction set 'sse9'") != std::string::npos);
    for (const std::string& name : available_isas()) {
      CHECK(text.find(name) != std::string::npos);
    }
  }
}

TEST_CASE("double kernels are the reference") { CHECK(&table<double>() == &reference<double>()); }

}  // namespace talweg::kernels
