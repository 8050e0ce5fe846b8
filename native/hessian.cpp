#include "hessian.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aligned_memory.hpp"
#include "product_memory.hpp"
#include "threads.hpp"

namespace chainrule {
namespace {

constexpr Index kBlockNumbers = 1 << 16;  // of weighted rows at a time: half of a second-level cache
constexpr Index kMinBlockRows = 64, kMaxBlockRows = 256;
constexpr Index kMinChunkRows = 256;
constexpr Index kMinChunkWork = 1 << 21;  // multiply-adds
constexpr Index kMaxChunks = 16;
constexpr Index kMaxChunkBytes = 256 << 20;  // memory of all chunks' sums

Index divide_up(Index n, Index by) { return (n + by - 1) / by; }

// The entries class by class, each class's block of the Hessian with itself and those behind it being one row of blocks.
struct Layout {
    Index n = 0;                    // entries
    std::vector<Index> order;       // entry at each place
    std::vector<Index> first;       // place where a class begins, and the end: (n_classes + 1,)
    std::vector<Index> columns;     // that any entry belongs to, ascending
    std::vector<Index> column_at;   // of each place, as an index into `columns`
    Index largest_class = 0;        // entries of one class at most
    Index block_rows = 0;
};

Layout lay_out(const HessianSums& sums) {
    Layout layout;
    layout.n = Index(sums.columns.size());
    layout.order.resize(sums.columns.size());
    std::iota(layout.order.begin(), layout.order.end(), Index(0));
    std::stable_sort(layout.order.begin(), layout.order.end(), [&](Index a, Index b) {
        return sums.classes[std::size_t(a)] < sums.classes[std::size_t(b)];
    });
    layout.first.assign(std::size_t(sums.n_classes) + 1, 0);
    for (const std::int64_t k : sums.classes) ++layout.first[std::size_t(k) + 1];
    std::partial_sum(layout.first.begin(), layout.first.end(), layout.first.begin());
    for (std::size_t k = 1; k < layout.first.size(); ++k) {
        layout.largest_class = std::max(layout.largest_class, layout.first[k] - layout.first[k - 1]);
    }
    layout.columns.assign(sums.columns.begin(), sums.columns.end());
    std::sort(layout.columns.begin(), layout.columns.end());
    layout.columns.erase(std::unique(layout.columns.begin(), layout.columns.end()), layout.columns.end());
    for (const Index e : layout.order) {
        const auto at = std::lower_bound(layout.columns.begin(), layout.columns.end(), Index(sums.columns[std::size_t(e)]));
        layout.column_at.push_back(at - layout.columns.begin());
    }
    layout.block_rows = std::clamp<Index>(kBlockNumbers / std::max<Index>(1, layout.n) / 8 * 8, kMinBlockRows, kMaxBlockRows);
    return layout;
}

// A block of rows, turned over: the numbers of a column are neighbours.
class Block {
public:
    Block(const HessianSums& sums, const Layout& layout)
        : sums_(sums),
          layout_(layout),
          stride_(layout.block_rows),
          centred_(numbers(Index(layout.columns.size()))),
          weighted_(numbers(layout.n)),
          own_(numbers(layout.largest_class)),
          curved_(numbers(layout.largest_class)),
          factors_(numbers(2)) {}

    // Adds rows first .. first + n_rows to the totals (n, n): the blocks of classes on the diagonal, and those behind
    // with their sign changed.
    void add(Index first, Index n_rows, double* totals) {
        n_rows_ = n_rows;
        for (std::size_t c = 0; c < layout_.columns.size(); ++c) centre(layout_.columns[c], first, centred(Index(c)));
        for (Index k = sums_.n_classes; k-- > 0;) {
            const Index begin = layout_.first[std::size_t(k)], end = layout_.first[std::size_t(k) + 1];
            weigh(k, begin, end, first);
            double* to = totals + begin * layout_.n;
            multiply(curved_.as<double>(), end - begin, own_.as<double>(), end - begin, to + begin);
            multiply(weighted_.as<double>() + begin * stride_, end - begin, weighted_.as<double>() + end * stride_,
                     layout_.n - end, to + end);
        }
    }

private:
    AlignedMemory numbers(Index rows) const {
        return AlignedMemory(std::size_t(rows * stride_) * sizeof(double));
    }
    double* centred(Index column) const { return centred_.as<double>() + column * stride_; }

    void centre(Index column, Index first, double* to) const {
        if (column == sums_.n_features) {
            std::fill(to, to + n_rows_, 1.0);
            return;
        }
        const auto centre_from = [&](const auto& x) {
            const auto* from = x.data + first * x.row_stride + column * x.column_stride;
            for (Index i = 0; i < n_rows_; ++i) to[i] = double(from[i * x.row_stride]) - sums_.means[column];
        };
        if (sums_.narrow_rows.data != nullptr) {
            centre_from(sums_.narrow_rows);
        } else {
            centre_from(sums_.rows);
        }
    }

    // Columns of a class: as they are, times p (1 - p), and times p for the products with other classes.
    void weigh(Index k, Index begin, Index end, Index first) const {
        double *root = factors_.as<double>(), *variance = root + stride_;
        const Matrix<const double>& given = sums_.probabilities;
        for (Index i = 0; i < n_rows_; ++i) {
            const double share = sums_.shares[(first + i) * sums_.share_stride];
            const double p = given.data[(first + i) * given.row_stride + k * given.column_stride];
            root[i] = std::sqrt(share) * p;
            variance[i] = share * p * (1.0 - p);
        }
        for (Index e = begin; e < end; ++e) {
            const double* x = centred(layout_.column_at[std::size_t(e)]);
            double* weighted = weighted_.as<double>() + e * stride_;
            double *own = own_.as<double>() + (e - begin) * stride_, *curved = curved_.as<double>() + (e - begin) * stride_;
            for (Index i = 0; i < n_rows_; ++i) {
                own[i] = x[i];
                curved[i] = variance[i] * x[i];
                weighted[i] = root[i] * x[i];
            }
        }
    }

    // Adds a b^T, a and b with n_rows_ columns.
    void multiply(const double* a, Index n_a, const double* b, Index n_b, double* to) {
        Product<double> product;
        product.m = n_a, product.n = n_b, product.k = n_rows_;
        product.a = a, product.a_row_stride = stride_;
        product.b = b, product.b_row_stride = 1, product.b_column_stride = stride_;
        product.c = to, product.c_row_stride = layout_.n;
        product.accumulate = true;
        products_.run(product);
    }

    const HessianSums& sums_;
    const Layout& layout_;
    const Index stride_;
    Index n_rows_ = 0;
    AlignedMemory centred_, weighted_, own_, curved_, factors_;
    ProductMemory products_;
};

// Sums of the blocks of classes on and above the diagonal -> the Hessian, entries in their own order.
std::vector<double> put_in_place(const HessianSums& sums, const Layout& layout, const double* totals, Index n_chunks) {
    const Index n = layout.n;
    std::vector<double> hessian(std::size_t(n * n));
    for (Index a = 0; a < n; ++a) {
        const Index e = layout.order[std::size_t(a)];
        for (Index b = a; b < n; ++b) {
            const Index f = layout.order[std::size_t(b)];
            double sum = 0.0;
            for (Index chunk = 0; chunk < n_chunks; ++chunk) sum += totals[(chunk * n + a) * n + b];
            if (sums.classes[std::size_t(e)] != sums.classes[std::size_t(f)]) sum = -sum;
            hessian[std::size_t(e * n + f)] = hessian[std::size_t(f * n + e)] = sum;
        }
    }
    return hessian;
}

}  // namespace

std::vector<double> add_up_hessian(const HessianSums& sums, int n_threads) {
    const Layout layout = lay_out(sums);
    const Index numbers = layout.n * layout.n;
    if (numbers == 0) return {};
    const Index by_work = sums.n_rows * numbers / 2 / kMinChunkWork;
    const Index by_memory = std::max<Index>(2, kMaxChunkBytes / (numbers * Index(sizeof(double))));
    const Index n_blocks = divide_up(sums.n_rows, layout.block_rows);
    const Index n_chunks = std::max<Index>(1, std::min({by_work, by_memory, sums.n_rows / kMinChunkRows, n_blocks, kMaxChunks}));
    const AlignedMemory totals(std::size_t(n_chunks * numbers) * sizeof(double));
    parallel_for(n_chunks, int(std::min<Index>(n_threads, n_chunks)), [&](Index chunk, int) {
        double* to = totals.as<double>() + chunk * numbers;
        std::fill(to, to + numbers, 0.0);
        Block block(sums, layout);
        for (Index b = chunk * n_blocks / n_chunks; b < (chunk + 1) * n_blocks / n_chunks; ++b) {
            const Index first = b * layout.block_rows;
            block.add(first, std::min(layout.block_rows, sums.n_rows - first), to);
        }
    });
    return put_in_place(sums, layout, totals.as<double>(), n_chunks);
}

}  // namespace chainrule
