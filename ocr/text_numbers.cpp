#include "ocr/text_numbers.h"

#include <array>
#include <string_view>

#include "ocr/text.h"

namespace talweg::ocr {
namespace {

template <size_t N> std::string pick(const std::array<std::string_view, N>& list, Rng& rng) {
  return std::string(list[rng.below(N)]);
}

constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 12> kLongMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 9> kUnits = {"kg", "g",   "ml", "km", "cm",
                                                    "mm", "pcs", "x",  "th"};
constexpr std::array<std::string_view, 6> kCurrencies = {"$", "RM", "£", "€", "EUR ", "USD "};
constexpr std::array<std::string_view, 8> kDomains = {".com", ".org", ".net",    ".co.uk",
                                                      ".de",  ".edu", ".com.my", ".gov"};

int between(int lo, int hi, Rng& rng) { return lo + int(rng.below(uint64_t(hi - lo + 1))); }

std::string from(std::string_view letters, int count, Rng& rng) {
  std::string text;
  for (int i = 0; i < count; ++i) text += letters[rng.below(letters.size())];
  return text;
}

std::string digits(int count, Rng& rng) { return from(kDigits, count, rng); }

std::string two(int number) { return {char('0' + number / 10 % 10), char('0' + number % 10)}; }

// Any size is as likely as any other, from one digit up to `most`.
std::string whole(int most, Rng& rng) {
  std::string number = digits(between(1, most, rng), rng);
  while (number.size() > 1 && number[0] == '0') number.erase(0, 1);
  return number;
}

std::string with_thousands(std::string number, char sign) {
  for (int at = int(number.size()) - 3; at > 0; at -= 3) number.insert(size_t(at), 1, sign);
  return number;
}

std::string amount(Rng& rng) {
  const bool comma = rng.uniform() < 0.15;
  std::string number = whole(rng.uniform() < 0.8 ? 3 : 6, rng);
  if (rng.uniform() < 0.7) number = with_thousands(number, comma ? '.' : ',');
  return number + (comma ? ',' : '.') + digits(2, rng);
}

std::string price(Rng& rng) {
  const std::string sign = pick(kCurrencies, rng);
  const double kind = rng.uniform();
  if (kind < 0.15) return sign + with_thousands(whole(6, rng), ',');
  if (kind < 0.25) return amount(rng) + (rng.uniform() < 0.5 ? "€" : " RM");
  if (kind < 0.35) return (rng.uniform() < 0.5 ? "-" : "(") + sign + amount(rng);
  return sign + amount(rng);
}

std::string date(Rng& rng) {
  const int day = between(1, 31, rng), month = between(1, 12, rng), year = between(1850, 2035, rng);
  const std::string d = rng.uniform() < 0.6 ? two(day) : std::to_string(day);
  const std::string m = rng.uniform() < 0.6 ? two(month) : std::to_string(month);
  const std::string y = rng.uniform() < 0.7 ? std::to_string(year) : two(year);
  const std::string name(kMonths[size_t(month - 1)]), long_name(kLongMonths[size_t(month - 1)]);
  switch (rng.below(8)) {
    case 0:
      return std::to_string(year) + "-" + two(month) + "-" + two(day);
    case 1:
      return d + "." + m + "." + y;
    case 2:
      return d + "-" + m + "-" + y;
    case 3:
      return d + "-" + name + "-" + y;
    case 4:
      return d + " " + name + " " + y;
    case 5:
      return long_name + " " + std::to_string(day) + ", " + std::to_string(year);
    case 6:
      return rng.uniform() < 0.5 ? std::to_string(year) : std::to_string(day) + "th";
    default:
      return d + "/" + m + "/" + y;
  }
}

std::string time_of_day(Rng& rng) {
  std::string time =
      rng.uniform() < 0.5 ? two(between(0, 23, rng)) : std::to_string(between(0, 23, rng));
  time += (rng.uniform() < 0.9 ? ":" : ".") + two(between(0, 59, rng));
  if (rng.uniform() < 0.35) time += ":" + two(between(0, 59, rng));
  constexpr std::array<std::string_view, 6> kHalves = {"AM", "PM", "am", "pm", " AM", " PM"};
  if (rng.uniform() < 0.25) time += pick(kHalves, rng);
  return time;
}

std::string telephone(Rng& rng) {
  switch (rng.below(6)) {
    case 0:
      return "+" + digits(between(1, 2, rng), rng) + " " + digits(3, rng) + " " + digits(4, rng);
    case 1:
      return "(" + digits(3, rng) + ") " + digits(3, rng) + "-" + digits(4, rng);
    case 2:
      return "0" + digits(1, rng) + "-" + digits(between(7, 8, rng), rng);
    case 3:
      return digits(3, rng) + "-" + digits(4, rng);
    case 4:
      return "Tel:" + digits(between(7, 10, rng), rng);
    default:
      return "+" + digits(between(8, 11, rng), rng);
  }
}

std::string code(Rng& rng) {
  const std::string both = std::string(kUpper) + std::string(kDigits);
  const std::string marks = std::string(kLower) + std::string(kDigits);
  switch (rng.below(9)) {
    case 0:
      return from(kUpper, between(1, 3, rng), rng) + "-" + digits(between(2, 6, rng), rng);
    case 1:
      return from(kUpper, between(1, 4, rng), rng) + digits(between(1, 6, rng), rng);
    case 2:
      return digits(between(1, 4, rng), rng) + from(kUpper, between(1, 3, rng), rng);
    case 3:
      return from(both, between(4, 10, rng), rng);
    case 4:
      return "#" + whole(6, rng);
    case 5:
      return digits(between(6, 13, rng), rng);
    case 6:
      return digits(between(2, 5, rng), rng) + "-" + from(both, between(1, 4, rng), rng);
    case 7:
      return from(marks, between(4, 9, rng), rng);
    default:
      return from(kUpper, 1, rng) + digits(between(1, 2, rng), rng) + "/" + whole(4, rng);
  }
}

std::string measure(Rng& rng) {
  switch (rng.below(8)) {
    case 0:
      return whole(3, rng) + "%";
    case 1:
      return whole(2, rng) + "." + digits(between(1, 2, rng), rng) + "%";
    case 2:
      return whole(3, rng) + "x" + whole(3, rng);
    case 3:
      return "-" + whole(2, rng) + "." + digits(between(1, 2, rng), rng);
    case 4:
      return whole(4, rng) + pick(kUnits, rng);
    case 5:
      return whole(2, rng) + "/" + whole(2, rng);
    case 6:
      return whole(4, rng) + "-" + whole(4, rng);
    default:
      return "+" + whole(7, rng);
  }
}

std::string web(Rng& rng) {
  const std::string name = from(kLower, between(3, 8, rng), rng);
  switch (rng.below(5)) {
    case 0:
      return "www." + name + pick(kDomains, rng);
    case 1:
      return from(kLower, between(2, 6, rng), rng) + "@" + name + pick(kDomains, rng);
    case 2:
      return "http://" + name + pick(kDomains, rng);
    case 3:
      return "@" + name + "_" + digits(between(1, 2, rng), rng);
    default:
      return name + pick(kDomains, rng);
  }
}

std::string plain_number(Rng& rng) {
  switch (rng.below(5)) {
    case 0:
      return with_thousands(whole(9, rng), ',');
    case 1:
      return amount(rng);
    case 2:
      return digits(between(1, 6, rng), rng);
    case 3:
      return whole(3, rng) + (rng.uniform() < 0.7 ? "." : ")");
    default:
      return whole(8, rng);
  }
}

}  // namespace

std::u32string random_number_text(Rng& rng) {
  const double kind = rng.uniform();
  std::string text;
  if (kind < 0.30) {
    text = plain_number(rng);
  } else if (kind < 0.46) {
    text = price(rng);
  } else if (kind < 0.62) {
    text = date(rng);
  } else if (kind < 0.69) {
    text = time_of_day(rng);
  } else if (kind < 0.76) {
    text = measure(rng);
  } else if (kind < 0.82) {
    text = telephone(rng);
  } else if (kind < 0.95) {
    text = code(rng);
  } else {
    text = web(rng);
  }
  return decode_utf8(text);
}

}  // namespace talweg::ocr
