// A trace as one self-contained HTML page that steps forward and backward through it.
//
// With #selftest behind its address the page walks through all of its steps by itself and writes
// what it found into the title and, as text, into an element of the id "selftest": for tests that
// load it in a browser.
#pragma once

#include <string>

#include "core/io/html.h"
#include "core/study/trace_rule.h"

namespace talweg {

/// `lead` says, under the title, what was recorded. Pictures shrink as there are more of them, so that
/// the page stays below 5 MB.
io::HtmlPage trace_page(const Trace& trace, const CardLookup& cards, std::string_view title,
                        std::string_view lead);

}  // namespace talweg
