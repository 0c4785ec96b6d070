#include "core/io/text.h"

#include <doctest/doctest.h>

#include <limits>

using namespace talweg::io;

TEST_CASE("markup characters are escaped and UTF-8 passes") {
  CHECK(escape("a < b & \"c\" > 'd'") == "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  CHECK(escape("Größe \u4e2d \U0001F600\n\t") == "Größe \u4e2d \U0001F600\n\t");
}

TEST_CASE("bytes that are no UTF-8 and control characters become U+FFFD") {
  const std::string sign = "\uFFFD";
  CHECK(escape("\xFF") == sign);
  CHECK(escape("a\xC3") == "a" + sign);                            // cut off
  CHECK(escape("\xC0\xAF") == sign + sign);                        // overlong slash
  CHECK(escape("\xED\xA0\x80") == sign + sign + sign);             // surrogate
  CHECK(escape("\xF4\x90\x80\x80") == sign + sign + sign + sign);  // above U+10FFFF
  CHECK(escape(std::string("\0\x1B", 2)) == sign + sign);
}

TEST_CASE("numbers are short, rounded and never minus zero") {
  CHECK(format_number(1.5) == "1.5");
  CHECK(format_number(2) == "2");
  CHECK(format_number(-0.001) == "0");
  CHECK(format_number(1.0 / 3, 4) == "0.3333");
  CHECK(format_number(1e300, 0).size() == 301);
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(format_number(inf) == "inf");
  CHECK(format_number(-inf) == "-inf");
  CHECK(format_number(std::numeric_limits<double>::quiet_NaN()) == "nan");
}

TEST_CASE("short numbers keep significant digits and turn scientific at the ends") {
  CHECK(format_short(0) == "0");
  CHECK(format_short(3.14159) == "3.142");
  CHECK(format_short(12345.6) == "12346");
  CHECK(format_short(0.001234) == "0.001234");
  CHECK(format_short(0.00012) == "1.2e-4");
  CHECK(format_short(-2.5e9) == "-2.5e9");
}

TEST_CASE("counts are grouped by thousands") {
  CHECK(format_grouped(0) == "0");
  CHECK(format_grouped(999) == "999");
  CHECK(format_grouped(1000) == "1,000");
  CHECK(format_grouped(18446744073709551615u) == "18,446,744,073,709,551,615");
}

TEST_CASE("base64 gives the test vectors of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xFB\xFF\xFE") == "+//+");
}
