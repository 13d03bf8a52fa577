// AdamW (Loshchilov and Hutter, 2019) over the rows of an embedding. Each row is updated before it is next read: the
// steps without a gradient that it missed are computed in registers. The result is that of the dense optimizer, but
// only the rows that are read are loaded from memory.
#ifndef HFSEQ_LAZY_ADAMW_H
#define HFSEQ_LAZY_ADAMW_H

#include "threads.h"
#include "vectors.h"

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// One step of the history: values that AdamW computes from learning rate, weight decay and step number.
typedef struct {
  float decay, step_size, correction;  // 1 - lr * weight_decay, lr / (1 - beta1^t), sqrt(1 - beta2^t)
} adamw_step;

typedef struct {
  int64_t num_rows, size;
  int64_t count;    // number of entries of `rows`
  int64_t step;     // the step to which the rows are updated, as an index in the history
  int64_t horizon;  // number of steps without a gradient after which the momentum has no effect
  int64_t threads;
  double beta1, beta2, eps;
  float *weight, *exp_avg, *exp_avg_sq;  // (num_rows, size)
  int64_t *current;                      // (num_rows): the last step of each row
  const int64_t *rows;                   // (count); NULL: all
  const float *grad;                     // (count, size), of the last step, with distinct rows. NULL: no gradient
  const adamw_step *history;
} lazy_adamw;

enum { GROUP = 4 };  // number of vectors of a row in registers

INLINE vfloat square_root(vfloat x) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (vfloat)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
  return (vfloat)_mm_sqrt_ps((__m128)x);
#elif defined(__aarch64__)
  return (vfloat)vsqrtq_f32((float32x4_t)x);
#else
  for (int i = 0; i < LANES; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// Prevents the compiler from fusing a product with the next addition. The dense optimizer rounds the product, and over
// thousands of steps the difference would add up.
INLINE vfloat rounded(vfloat x) {
#if defined(__AVX512F__)
  __asm__("" : "+v"(x));
#elif defined(__SSE2__)
  __asm__("" : "+x"(x));
#elif defined(__aarch64__)
  __asm__("" : "+w"(x));
#endif
  return x;
}

INLINE int any_lane(vint condition) {
  int32_t any = 0;
  for (int i = 0; i < LANES; i++) any |= condition[i];
  return any != 0;
}

static double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

// Constants of a step, rounded to float if the dense optimizer rounds them.
typedef struct {
  float mean_weight, square_weight, square_decay, eps;
  // Factors of the moments, and of the root of the second, per step without a gradient.
  double mean_decay, square_decay_exact, root_decay;
} adamw_rates;

static adamw_rates rates_of(const lazy_adamw *o) {
  adamw_rates r = {.mean_weight = (float)(1 - o->beta1), .square_weight = (float)(1 - o->beta2)};
  r.square_decay = (float)o->beta2;
  r.eps = (float)o->eps;
  r.mean_decay = 1 - (double)r.mean_weight;
  r.square_decay_exact = r.square_decay;
  r.root_decay = __builtin_sqrt(r.square_decay_exact);
  return r;
}

typedef struct {
  vfloat weight[GROUP], mean[GROUP], square[GROUP];
} adamw_group;

// Computes the steps from `from` to `to` without a gradient. Both moments decay by known factors, so a step needs one
// division.
INLINE void replay(adamw_group *x, const adamw_step *history, int64_t from, int64_t to, int64_t horizon,
                   const adamw_rates *rates) {
  vfloat weight[GROUP], mean[GROUP], root[GROUP];
  vint moving = {0};
  UNROLL for (int g = 0; g < GROUP; g++) {
    weight[g] = x->weight[g];
    mean[g] = x->mean[g];
    root[g] = square_root(x->square[g]);
    moving |= mean[g] != (vfloat){0};
  }
  int64_t step = from, still = any_lane(moving) ? (to - from > horizon ? from + horizon : to) : from;
  const vfloat eps = broadcast(rates->eps);
  double mean_factor = 1, root_factor = 1;
  for (; step < still; step++) {
    const adamw_step h = history[step];
    mean_factor *= rates->mean_decay;
    root_factor *= rates->root_decay;
    const vfloat decay = broadcast(h.decay), scale = broadcast((float)(h.step_size * mean_factor));
    const vfloat root_scale = broadcast((float)(root_factor / h.correction));
    UNROLL for (int g = 0; g < GROUP; g++)
      weight[g] = rounded(weight[g] * decay) - scale * mean[g] / (root[g] * root_scale + eps);
  }
  // Only weight decay is left. It is multiplied step by step, with the rounding of the dense optimizer: a product of
  // many factors near 1 would differ.
  for (; step < to; step++) {
    const float decay = history[step].decay;
    if (decay != 1.0f) UNROLL for (int g = 0; g < GROUP; g++) weight[g] *= broadcast(decay);
  }
  const vfloat mean_shrink = broadcast((float)power(rates->mean_decay, to - from));
  const vfloat square_shrink = broadcast((float)power(rates->square_decay_exact, to - from));
  UNROLL for (int g = 0; g < GROUP; g++) {
    x->weight[g] = weight[g];
    // The second term is zero, or NaN for an infinite moment, for which the result of the dense optimizer is NaN.
    x->mean[g] = mean[g] * mean_shrink + (mean[g] - mean[g]);
    x->square[g] *= square_shrink;
  }
}

// One step with a gradient, with the operations of torch's fused AdamW in the same order.
INLINE void take_step(adamw_group *x, const vfloat *grad, adamw_step h, const adamw_rates *rates) {
  const vfloat weight = broadcast(rates->mean_weight), rest = broadcast(rates->mean_weight - 1);
  const int few = rates->mean_weight < 0.5f;
  UNROLL for (int g = 0; g < GROUP; g++) {
    const vfloat difference = grad[g] - x->mean[g];
    x->mean[g] = few ? x->mean[g] + weight * difference : grad[g] + rest * difference;
    x->square[g] = x->square[g] * broadcast(rates->square_decay) + broadcast(rates->square_weight) * grad[g] * grad[g];
    const vfloat root = square_root(x->square[g]) / broadcast(h.correction) + broadcast(rates->eps);
    x->weight[g] = rounded(x->weight[g] * broadcast(h.decay)) - broadcast(h.step_size) * x->mean[g] / root;
  }
}

static void update_row(const lazy_adamw *o, const adamw_rates *rates, int64_t row, const float *grad) {
  const int64_t from = o->current[row], to = o->step - (grad != NULL);
  for (int64_t column = 0; column < o->size; column += GROUP * LANES) {
    const int64_t place = row * o->size + column;
    int left[GROUP];
    adamw_group x;
    for (int g = 0; g < GROUP; g++) {
      const int64_t rest = o->size - column - g * LANES;
      left[g] = (int)(rest < 0 ? 0 : rest < LANES ? rest : LANES);
      if (!left[g]) {
        x.weight[g] = x.mean[g] = x.square[g] = (vfloat){0};
        continue;
      }
      x.weight[g] = load_part(o->weight + place + g * LANES, left[g]);
      x.mean[g] = load_part(o->exp_avg + place + g * LANES, left[g]);
      x.square[g] = load_part(o->exp_avg_sq + place + g * LANES, left[g]);
    }
    if (from < to) replay(&x, o->history, from, to, o->horizon, rates);
    if (grad) {
      vfloat slope[GROUP];
      for (int g = 0; g < GROUP; g++)
        slope[g] = left[g] ? load_part(grad + column + g * LANES, left[g]) : (vfloat){0};
      take_step(&x, slope, o->history[to], rates);
    }
    for (int g = 0; g < GROUP && left[g]; g++) {
      store_part(o->weight + place + g * LANES, x.weight[g], left[g]);
      store_part(o->exp_avg + place + g * LANES, x.mean[g], left[g]);
      store_part(o->exp_avg_sq + place + g * LANES, x.square[g], left[g]);
    }
  }
  o->current[row] = o->step;
}

// A row is always updated by the same thread, so a row that occurs twice in `rows` is updated once.
static void update_rows(void *argument, team_member member) {
  const lazy_adamw *o = argument;
  const adamw_rates rates = rates_of(o);
  for (int64_t i = 0; i < o->count; i++) {
    const int64_t row = o->rows ? o->rows[i] : i;
    if (row < 0 || row >= o->num_rows) continue;  // the embedding will raise the error
    if (row % member.size != member.rank || o->current[row] >= o->step) continue;
    update_row(o, &rates, row, o->grad ? o->grad + i * o->size : NULL);
  }
}

#endif
