#include "run.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace chainrule {
namespace {

// Calls run(shift, n) for runs of n neighbours that are as long as the strides allow.
template <class Run>
void for_neighbours(Index n_rows, Index n_columns, std::initializer_list<Index> strides, const Run& run) {
    const Index stride = *strides.begin();
    const bool same = std::all_of(strides.begin(), strides.end(), [&](Index other) { return other == stride; });
    if (n_rows == 0) return;
    if (same) return run(Index(0), (n_rows - 1) * stride + n_columns);
    for (Index row = 0; row < n_rows; ++row) run(row, n_columns);
}

}  // namespace

template <class T>
View<T> view(const Memory<T>& memory, const Place& place, Index row) {
    switch (place.space) {
        case Space::kNone: break;
        case Space::kData: {
            const View<const T>& rows = memory.data[place.offset];
            return {const_cast<T*>(rows.data) + row * rows.stride, rows.stride};
        }
        case Space::kRows: return {memory.arena + place.offset * memory.capacity + row * place.stride, place.stride};
        case Space::kFixed: return {memory.fixed + place.offset + row * place.stride, place.stride};
        case Space::kParameter:
            return {const_cast<T*>(memory.parameters) + place.offset + row * place.stride, place.stride};
        case Space::kGradient: return {memory.gradient + place.offset + row * place.stride, place.stride};
    }
    return {};
}

template <class T>
Product<T> product_of(const Instruction& i, View<T> a, View<T> b, View<T> out, Index rows) {
    Product<T> product;
    product.a = a.data;
    product.b = b.data;
    product.c = out.data;
    product.c_row_stride = out.stride;
    product.accumulate = i.accumulate;
    product.n = i.out.columns;
    if (i.code == Code::kProductWeight) {  // out = a^T b, summed over the rows
        product.m = i.a.columns;
        product.k = rows;
        product.a_row_stride = 1;
        product.a_column_stride = a.stride;
        product.b_row_stride = b.stride;
        return product;
    }
    product.m = rows;
    product.k = i.a.columns;
    product.a_row_stride = a.stride;
    product.b_row_stride = b.stride;
    if (i.code == Code::kProductInput) std::swap(product.b_row_stride, product.b_column_stride);  // out = a b^T
    return product;
}

namespace {

// One instruction on some rows: where `out` and `a` are, and what it takes to find the rest.
template <class T>
struct Call {
    const Instruction& i;
    const Memory<T>& memory;
    const Instructions& all;
    Index row;
    Index rows;
    const NetworkKernels<T>& kernel = network_kernels<T>();
    View<T> out = view(memory, i.out, row);
    View<T> a = view(memory, i.a, row);

    // Of a matrix that all rows share.
    View<T> whole(const Place& place) const { return view(memory, place, 0); }
    View<T> by_rows(const Place& place) const { return view(memory, place, row); }
    bool is_of_batch() const { return i.a.rows == 0; }
};

template <class T>
void run_product(const Call<T>& call, void* scratch) {
    const Instruction& i = call.i;
    const bool sums_rows = i.code == Code::kProductWeight;
    const View<T> b = sums_rows ? call.by_rows(i.b) : call.whole(i.b);
    Product<T> product = product_of(i, call.a, b, sums_rows ? call.whole(i.out) : call.out, call.rows);
    if (i.c.space != Space::kNone) product.bias = call.whole(i.c).data;
    call.kernel.product(product, scratch);
}

template <class T>
void run_activation(const Call<T>& call) {
    const auto [out, a] = std::pair(call.out, call.a);
    for_neighbours(call.rows, call.i.out.columns, {a.stride, out.stride}, [&](Index r, Index n) {
        call.kernel.activate(call.i.activation, T(call.i.number), a.data + r * a.stride, out.data + r * out.stride, n);
    });
}

template <class T>
void run_activation_backward(const Call<T>& call) {
    const Instruction& i = call.i;
    const View<T> x = call.by_rows(i.b), y = call.by_rows(i.c), a = call.a, out = call.out;
    const bool has_x = x.data != nullptr;
    const Index x_stride = has_x ? x.stride : y.stride;
    for_neighbours(call.rows, i.out.columns, {a.stride, x_stride, y.stride, out.stride}, [&](Index r, Index n) {
        call.kernel.activate_backward(i.activation, T(i.number), has_x ? x.data + r * x.stride : nullptr,
                                      y.data + r * y.stride, a.data + r * a.stride, out.data + r * out.stride, n,
                                      i.accumulate);
    });
}

template <class T>
void run_copy(const Call<T>& call, Index first_column_of_a = 0) {
    const View<T> out = call.out, a{call.a.data + first_column_of_a, call.a.stride};
    if (a.data == out.data) return;
    for_neighbours(call.rows, call.i.out.columns, {a.stride, out.stride}, [&](Index r, Index n) {
        call.kernel.add(a.data + r * a.stride, out.data + r * out.stride, n, call.i.accumulate);
    });
}

template <class T>
void run_dropout(const Call<T>& call) {
    if (call.memory.noise == nullptr) return run_copy(call);
    Noise noise = *call.memory.noise;
    noise.stream = call.i.stream;
    const Index first_row = call.is_of_batch() ? call.memory.first_row + call.row : 0;
    call.kernel.dropout(noise, T(call.i.number), first_row, call.rows, call.i.out.columns, call.a.data, call.a.stride,
                        call.out.data, call.out.stride, call.i.accumulate);
}

template <class T>
void run_reference(const Call<T>& call) {
    for (Index r = 0; r < call.rows; ++r) {
        T* to = call.out.data + r * call.out.stride;
        to[0] = T(0);
        std::copy_n(call.a.data + r * call.a.stride, call.i.out.columns - 1, to + 1);
    }
}

// Adds loss_of_rows(first row of the call, rows) to the loss: by groups, or at once if the rows are not the batch's.
template <class T, class LossOfRows>
void add_loss(const Call<T>& call, const LossOfRows& loss_of_rows) {
    if (!call.is_of_batch()) {
        *call.memory.fixed_loss += loss_of_rows(Index(0), call.rows);
        return;
    }
    for (Index first = 0; first < call.rows; first += kGroupRows) {
        const Index n = std::min(kGroupRows, call.rows - first);
        call.memory.partial_losses[(call.row + first) / kGroupRows] += loss_of_rows(first, n);
    }
}

template <class T>
void run_cross_entropy(const Call<T>& call) {
    const Loss& loss = call.all.losses[call.i.stream];
    const LossRows& scaled = call.memory.losses[call.i.stream];
    add_loss(call, [&](Index first, Index n) {
        CrossEntropy<T> c;
        c.n_rows = n;
        c.n_classes = call.i.a.columns;
        c.logits = call.a.data + first * call.a.stride;
        c.stride = call.a.stride;
        c.scale = scaled.scale;
        c.label_smoothing = loss.label_smoothing;
        c.accumulate = call.i.accumulate;
        if (call.out.data != nullptr) {
            c.d_logits = call.out.data + first * call.out.stride;
            c.d_stride = call.out.stride;
        }
        const Index at = call.row + first;  // labels and targets are those of the pass, weights those of the batch
        if (scaled.weights != nullptr) c.weights = scaled.weights + call.memory.first_row + at;
        if (!loss.sigmoid) {
            c.labels = call.memory.labels + at;
            return call.kernel.softmax_cross_entropy(c);
        }
        c.targets = call.memory.targets.data + at * call.memory.targets.stride;
        c.target_stride = call.memory.targets.stride;
        return call.kernel.sigmoid_cross_entropy(c);
    });
}

template <class T>
void run_penalty(const Call<T>& call) {
    const Instruction& i = call.i;
    const View<T> a = call.a, out = call.out;
    add_loss(call, [&](Index first, Index n) {
        double sum = 0.0;
        for (Index r = first; r < first + n; ++r) sum += call.kernel.sum_of_squares(a.data + r * a.stride, i.a.columns);
        return 0.5 * i.number * sum;
    });
    if (out.data == nullptr) return;
    for_neighbours(call.rows, i.a.columns, {a.stride, out.stride}, [&](Index r, Index n) {
        call.kernel.add_scaled(T(i.number), a.data + r * a.stride, out.data + r * out.stride, n, i.accumulate);
    });
}

}  // namespace

template <class T>
void run(const Instruction& i, const Memory<T>& memory, const Instructions& all, Index row, Index rows, void* scratch) {
    const Call<T> call{i, memory, all, row, rows};
    const NetworkKernels<T>& kernel = call.kernel;
    const View<T> out = call.out, a = call.a;
    const Index columns = i.out.columns;
    switch (i.code) {
        case Code::kProduct:
        case Code::kProductInput:
        case Code::kProductWeight: run_product(call, scratch); break;
        case Code::kColumnSums: {
            const View<T> b = call.by_rows(i.b);
            kernel.column_sums(rows, i.a.columns, a.data, a.stride, b.data, b.stride, call.whole(i.out).data,
                               i.accumulate);
            break;
        }
        case Code::kActivate: run_activation(call); break;
        case Code::kActivateBackward: run_activation_backward(call); break;
        case Code::kCopy: run_copy(call); break;
        case Code::kScale:
            kernel.scale_columns(rows, columns, a.data, a.stride, call.whole(i.b).data, out.data, out.stride,
                                 i.accumulate);
            break;
        case Code::kDropout: run_dropout(call); break;
        case Code::kSoftmax: kernel.softmax(rows, columns, a.data, a.stride, out.data, out.stride); break;
        case Code::kSoftmaxBackward: {
            const View<T> p = call.by_rows(i.b);
            kernel.softmax_backward(rows, columns, p.data, p.stride, a.data, a.stride, out.data, out.stride,
                                    i.accumulate);
            break;
        }
        case Code::kReference: run_reference(call); break;
        case Code::kReferenceBackward: run_copy(call, 1); break;
        case Code::kCrossEntropy: run_cross_entropy(call); break;
        case Code::kPenalty: run_penalty(call); break;
    }
}

template <class T>
std::size_t scratch_bytes(const Instructions& all, Index batch_rows) {
    std::size_t most = 0;
    for (const auto* part : {&all.forward, &all.backward, &all.reductions, &all.fixed_forward, &all.fixed_backward}) {
        for (const Instruction& i : *part) {
            if (i.code > Code::kProductWeight) continue;
            const auto stride_of = [](const Place& place) { return View<T>{nullptr, place.stride}; };
            // What a block or a strip needs is no more than what all rows and the whole weight do.
            const Index rows = i.a.rows == 0 ? batch_rows : i.a.rows;
            const Product<T> product = product_of(i, stride_of(i.a), stride_of(i.b), stride_of(i.out), rows);
            most = std::max(most, network_kernels<T>().product_scratch_bytes(product));
        }
    }
    return most;
}

template View<float> view(const Memory<float>&, const Place&, Index);
template Product<float> product_of(const Instruction&, View<float>, View<float>, View<float>, Index);
template void run(const Instruction&, const Memory<float>&, const Instructions&, Index, Index, void*);
template std::size_t scratch_bytes<float>(const Instructions&, Index);
template View<double> view(const Memory<double>&, const Place&, Index);
template Product<double> product_of(const Instruction&, View<double>, View<double>, View<double>, Index);
template void run(const Instruction&, const Memory<double>&, const Instructions&, Index, Index, void*);
template std::size_t scratch_bytes<double>(const Instructions&, Index);

}  // namespace chainrule
