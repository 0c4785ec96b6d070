#include "bench/suite.h"

#include "core/error.h"

namespace talweg::bench {

Suite::Suite(SuiteOptions options)
    : options_(std::move(options)), conv_cases_(conv_cases_of(options_.shapes)) {}

void Suite::add(Row row) {
  expect(!row.problem.empty() && !row.way.empty() && row.make && row.threads >= 1,
         "[bench] a row must have a problem, a way, threads and make(); this one is called ",
         row.name());
  expect(names_.insert(row.name()).second, "[bench] two rows are called ", row.name(),
         "; give one of them another way");
  rows_.push_back(std::move(row));
}

void Suite::leave_out(std::string row, std::string why) {
  left_out_.push_back({std::move(row), std::move(why)});
}

}  // namespace talweg::bench
