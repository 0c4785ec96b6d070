#include "ebm/energies/table.h"

#include <cmath>

#include "core/ops/select.h"
#include "ebm/energies/constants.h"

namespace talweg::ebm {

Table::Table(Tensor<double> values) : values_(std::move(values)) {
  expect(values_.shape().rank() >= 1 && values_.size() > 0, "[table] needs at least one axis and ",
         "one entry, found shape ", values_.shape());
}

template <class T> std::vector<int32_t> table_entries(const Shape& table, const Arguments<T>& at) {
  const auto width = [](Var<T> part) {
    return part ? part.shape().size_between(1, part.shape().rank()) : 0;
  };
  const int64_t n = at.rows(), from_x = width(at.x), from_y = width(at.y);
  expect(from_x + from_y == table.rank(), "[table] has shape ", table, ", one axis for each of ",
         table.rank(), " variables, but x and y have ", from_x, " and ", from_y, " columns");
  std::vector<int32_t> entries;
  for (int64_t i = 0; i < n; ++i) {
    int64_t flat = 0;
    for (int64_t c = 0; c < table.rank(); ++c) {
      const T v = c < from_x ? at.x.data()[i * from_x + c] : at.y.data()[i * from_y + c - from_x];
      expect(v >= 0 && v < static_cast<T>(table[c]) && v == std::floor(v), "[table] variable ", c,
             " of row ", i, " is ", v, "; it must be one of 0, 1, ..., ", table[c] - 1);
      flat = flat * table[c] + static_cast<int64_t>(v);
    }
    entries.push_back(static_cast<int32_t>(flat));
  }
  return entries;
}

template <class T> Var<T> Table::operator()(const Arguments<T>& at) const {
  return gather(constant_of(at.tape(), values_.shape(), values_.values()),
                table_entries(values_.shape(), at), {at.rows()});
}

template Var<float> Table::operator()(const Arguments<float>&) const;
template Var<double> Table::operator()(const Arguments<double>&) const;
template std::vector<int32_t> table_entries(const Shape&, const Arguments<float>&);
template std::vector<int32_t> table_entries(const Shape&, const Arguments<double>&);

}  // namespace talweg::ebm
