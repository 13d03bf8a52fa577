// Vectors of LANES floats with the vector extension of gcc and clang: one source for SSE2, NEON, AVX2 and AVX-512.
#ifndef HFSEQ_VECTORS_H
#define HFSEQ_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#define MANY_REGISTERS 1
#elif defined(__AVX2__)
#include <immintrin.h>
#define LANES 8
#define MANY_REGISTERS 0
#elif defined(__aarch64__)
#define LANES 4
#define MANY_REGISTERS 1
#else
#define LANES 4
#define MANY_REGISTERS 0
#endif

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

typedef float vfloat __attribute__((vector_size(4 * LANES)));
typedef int32_t vint __attribute__((vector_size(4 * LANES)));
typedef float vfloat_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t vint_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE vfloat broadcast(float x) { return x - (vfloat){0}; }
INLINE vfloat load(const float *p) { return *(const vfloat_anywhere *)p; }
INLINE void store(float *p, vfloat v) { *(vfloat_anywhere *)p = v; }

// Only the first `count` lanes; for the end of a row.
#if defined(__AVX512F__)
INLINE vfloat load_part(const float *p, int count) {
  if (count >= LANES) return load(p);
  return (vfloat)_mm512_maskz_loadu_ps((__mmask16)((1u << (count > 0 ? count : 0)) - 1), p);
}
INLINE void store_part(float *p, vfloat v, int count) {
  if (count >= LANES)
    store(p, v);
  else
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << (count > 0 ? count : 0)) - 1), (__m512)v);
}
#elif defined(__AVX2__)
INLINE __m256i first_lanes(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vfloat load_part(const float *p, int count) {
  return count >= LANES ? load(p) : (vfloat)_mm256_maskload_ps(p, first_lanes(count));
}
INLINE void store_part(float *p, vfloat v, int count) {
  if (count >= LANES)
    store(p, v);
  else
    _mm256_maskstore_ps(p, first_lanes(count), (__m256)v);
}
#else
static __attribute__((noinline, cold)) void copy_few(float *to, const float *from, int count) {
  for (int i = 0; i < count; i++) to[i] = from[i];
}
INLINE vfloat load_part(const float *p, int count) {
  if (count >= LANES) return load(p);
  vfloat v = {0};
  copy_few((float *)&v, p, count);
  return v;
}
INLINE void store_part(float *p, vfloat v, int count) {
  if (count >= LANES)
    store(p, v);
  else
    copy_few(p, (const float *)&v, count);
}
#endif

// A word is 4 bytes: one float, or a pair of bfloat16. Products of pairs are summed in float32.
#if defined(__AVX512BF16__)
#define HAVE_PAIRS 1
#else
#define HAVE_PAIRS 0
#endif

INLINE vfloat broadcast_word(const float *word) {
  int32_t bits;
  memcpy(&bits, word, sizeof bits);
  return (vfloat)(bits - (vint){0});
}

INLINE vfloat add_product(const int pairs, vfloat sum, vfloat left, vfloat right) {
#if HAVE_PAIRS
  if (pairs) return (vfloat)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
#endif
  (void)pairs;
  return sum + left * right;
}

// Transposes a block of LANES vectors, in registers if the compiler supports it.
INLINE void transpose(vfloat block[LANES]) {
#if defined(__GNUC__) && !defined(__clang__)
  UNROLL for (int distance = 1; distance < LANES; distance *= 2) {
    // Exchanges blocks of `distance` lanes between two vectors at that distance.
    vint low, high;
    UNROLL for (int lane = 0; lane < LANES; lane++) {
      int second = (lane & distance) != 0;
      low[lane] = second ? LANES + lane - distance : lane;
      high[lane] = second ? LANES + lane : lane + distance;
    }
    UNROLL for (int i = 0; i < LANES; i++) {
      if (i & distance) continue;
      vfloat a = block[i], b = block[i + distance];
      block[i] = __builtin_shuffle(a, b, low);
      block[i + distance] = __builtin_shuffle(a, b, high);
    }
  }
#else
  float out[LANES][LANES];
  for (int i = 0; i < LANES; i++)
    for (int lane = 0; lane < LANES; lane++) out[lane][i] = block[i][lane];
  for (int i = 0; i < LANES; i++) block[i] = load(out[i]);
#endif
}

// Converts `count` floats to (count + 1) / 2 words of neighbouring pairs. For an odd count, a zero is appended.
static inline void to_pairs(const float *from, int64_t count, float *to) {
#if HAVE_PAIRS
  for (int64_t i = 0; i < count; i += 2 * LANES) {
    const int left = (int)(count - i < 2 * LANES ? count - i : 2 * LANES);
    vfloat low = load_part(from + i, left), high = left > LANES ? load_part(from + i + LANES, left - LANES) : (vfloat){0};
    store_part(to + i / 2, (vfloat)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low), (left + 1) / 2);
  }
#else
  (void)from, (void)count, (void)to;
#endif
}

// Creates `count` words, each a pair of a float of `first` and a float of `second`. NULL means zeros.
static inline void interleave_pairs(const float *first, const float *second, int64_t count, float *to) {
#if HAVE_PAIRS
  for (int64_t i = 0; i < count; i += LANES) {
    const int left = (int)(count - i);
    vfloat low = first ? load_part(first + i, left) : (vfloat){0}, high = second ? load_part(second + i, left) : (vfloat){0};
    __m512i a = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)low));
    __m512i b = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)high));
    store_part(to + i, (vfloat)_mm512_or_si512(a, _mm512_slli_epi32(b, 16)), left);
  }
#else
  (void)first, (void)second, (void)count, (void)to;
#endif
}

// NaN must stay NaN, so that a diverged model can be recognised.
INLINE vfloat choose(vint condition, vfloat yes, vfloat no) {
  return (vfloat)(((vint)yes & condition) | ((vint)no & ~condition));
}
INLINE vfloat clamp(vfloat x, float low, float high) {
  x = choose(x < broadcast(low), broadcast(low), x);
  return choose(x > broadcast(high), broadcast(high), x);
}

// exp(x) - 1 and a power of two: x = n ln 2 + r with |r| <= ln 2 / 2. Returns exp(r) - 1 and sets *scale to 2^n.
INLINE vfloat exp_parts(vfloat x, vfloat *scale) {
  const vfloat shift = broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer, kept in the low bits
  vfloat shifted = x * broadcast(1.44269504088896341f) + shift;
  vfloat n = shifted - shift;
  vfloat r = x - n * broadcast(0.693359375f);  // ln 2 in two parts: the first is exact with few bits
  r = r - n * broadcast(-2.12194440054690583e-4f);
  *scale = (vfloat)(((vint)shifted + 127) << 23);
  // exp(r) - 1 = r + r^2 q(r); q is the minimax polynomial of degree 4 for the relative error on the interval.
  vfloat q = broadcast(1.3446799712255597e-3f);
  q = q * r + broadcast(8.357505314052105e-3f);
  q = q * r + broadcast(4.167240858078003e-2f);
  q = q * r + broadcast(1.666666567325592e-1f);
  q = q * r + broadcast(0.5f);
  return r + r * r * q;
}

INLINE vfloat reciprocal(vfloat x) {
#if defined(__AVX512F__)
  vfloat y = (vfloat)_mm512_rcp14_ps((__m512)x);  // 14 bits, then one step of Newton's method doubles the precision
  return y * (broadcast(2.0f) - x * y);
#else
  return broadcast(1.0f) / x;
#endif
}

INLINE vfloat sigmoid(vfloat x) {
  vfloat scale, rest = exp_parts(clamp(-x, -87.0f, 87.0f), &scale);
  return reciprocal(broadcast(1.0f) + scale + scale * rest);
}

// tanh(x) = e / (e + 2) with e = exp(2x) - 1. Unlike 1 - 2 / (exp(2x) + 1), it is accurate near zero.
INLINE vfloat hyperbolic_tangent(vfloat x) {
  vfloat scale, rest = exp_parts(clamp(x + x, -40.0f, 40.0f), &scale);
  vfloat e = scale * rest + (scale - broadcast(1.0f));
  return e * reciprocal(e + broadcast(2.0f));
}

#endif
