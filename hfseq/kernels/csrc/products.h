// Matrix products with register tiles. The right-hand matrix is packed into panels of PANEL columns,
//   panels[column / PANEL][k][column % PANEL],
// which are zero after the last column. The left-hand matrix is not packed. Each element of the result is summed over k
// in a fixed order, so the result of a row does not depend on the other rows or on the number of threads.
//
// Depth is in words (vectors.h): with `pairs`, k is the index of a pair.
#ifndef HFSEQ_PRODUCTS_H
#define HFSEQ_PRODUCTS_H

#include "vectors.h"

#define PANEL (4 * LANES)
#define TILE_ROWS (MANY_REGISTERS ? 6 : 3)    // with 4 vectors of sums
#define TILE_ROWS_3 (MANY_REGISTERS ? 8 : 4)  // with 3 vectors of sums
#define DEPTH_BLOCK 256                       // part of a panel that stays in the cache

static inline size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }
static inline size_t panels_size(size_t depth, size_t columns) { return depth * round_up(columns, PANEL); }

// sums[m][v] += left(m, k) * panel[k][v], with left(m, k) = left[m * row + k * step].
INLINE void multiply_add(const int pairs, const int rows, const int vectors, const int width, int64_t depth,
                         const float *left, size_t row, size_t step, const float *panel, vfloat sums[][4]) {
  for (int64_t k = 0; k < depth; k++) {
    vfloat right[4];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = load(panel + k * width + v * LANES);
    UNROLL for (int m = 0; m < rows; m++) {
      vfloat x = broadcast_word(left + m * row + k * step);
      UNROLL for (int v = 0; v < vectors; v++) sums[m][v] = add_product(pairs, sums[m][v], x, right[v]);
    }
  }
}

typedef struct {
  int64_t depth;
  const float *left;
  size_t row, step;
  const float *panel;
  float *result;
  size_t result_row;
  const float *bias;  // or NULL
  int accumulate;
  int columns;  // number of columns of this panel
} tile;

INLINE void product_tile(const int rows, const int vectors, const int pairs, const tile *t, int64_t first_row) {
  vfloat sums[TILE_ROWS][4];
  float *result = t->result + first_row * t->result_row;
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      int count = t->columns - v * LANES;
      if (t->accumulate)
        sums[m][v] = load_part(result + m * t->result_row + v * LANES, count);
      else
        sums[m][v] = t->bias ? load_part(t->bias + v * LANES, count) : (vfloat){0};
    }
  }
  multiply_add(pairs, rows, vectors, PANEL, t->depth, t->left + first_row * t->row, t->row, t->step, t->panel, sums);
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int v = 0; v < vectors; v++)
      store_part(result + m * t->result_row + v * LANES, sums[m][v], t->columns - v * LANES);
  }
}

#if MANY_REGISTERS
#define PRODUCT_4_UP(VECTORS, PAIRS)                    \
  case 4: product_tile(4, VECTORS, PAIRS, t, m); break; \
  case 5: product_tile(5, VECTORS, PAIRS, t, m); break; \
  case 6: product_tile(6, VECTORS, PAIRS, t, m); break;
#else
#define PRODUCT_4_UP(VECTORS, PAIRS)
#endif
// Any number of rows, divided into tiles of nearly equal size.
#define PRODUCT_ROWS(VECTORS, PAIRS)                                          \
  static void product_rows_##VECTORS##_##PAIRS(const tile *t, int64_t rows) { \
    int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;                       \
    for (int64_t i = 0; i < tiles; i++) {                                     \
      int64_t m = rows * i / tiles;                                           \
      switch (rows * (i + 1) / tiles - m) {                                   \
        case 1: product_tile(1, VECTORS, PAIRS, t, m); break;                 \
        case 2: product_tile(2, VECTORS, PAIRS, t, m); break;                 \
        case 3: product_tile(3, VECTORS, PAIRS, t, m); break;                 \
        PRODUCT_4_UP(VECTORS, PAIRS)                                          \
      }                                                                       \
    }                                                                         \
  }
PRODUCT_ROWS(1, 0)
PRODUCT_ROWS(2, 0)
PRODUCT_ROWS(3, 0)
PRODUCT_ROWS(4, 0)
#if HAVE_PAIRS
PRODUCT_ROWS(1, 1)
PRODUCT_ROWS(2, 1)
PRODUCT_ROWS(3, 1)
PRODUCT_ROWS(4, 1)
#endif
static void (*const product_rows[][4])(const tile *t, int64_t rows) = {
    {product_rows_1_0, product_rows_2_0, product_rows_3_0, product_rows_4_0},
#if HAVE_PAIRS
    {product_rows_1_1, product_rows_2_1, product_rows_3_1, product_rows_4_1},
#endif
};

// result (rows, columns) = left (rows, depth) times packed panels, plus the bias, or plus the previous result.
static void product(int pairs, int64_t rows, int64_t columns, int64_t depth, const float *left, size_t row, size_t step,
                    const float *panels, float *result, size_t result_row, const float *bias, int accumulate) {
  if (rows <= 0) return;
  for (int64_t column = 0; column < columns; column += PANEL) {
    int width = (int)(columns - column < PANEL ? columns - column : PANEL);
    for (int64_t k = 0; k == 0 || k < depth; k += DEPTH_BLOCK) {
      tile t = {depth - k < DEPTH_BLOCK ? depth - k : DEPTH_BLOCK,
                left + k * step,
                row,
                step,
                panels + column * depth + k * PANEL,
                result + column,
                result_row,
                bias ? bias + column : NULL,
                accumulate || k > 0,
                width};
      product_rows[HAVE_PAIRS ? pairs : 0][(width + LANES - 1) / LANES - 1](&t, rows);
    }
  }
}

// Packs one panel: `count` columns of the rows that the pointers refer to. A NULL pointer is a row of zeros.
static void pack_rows(int pairs, const float *const *rows, int64_t depth, int64_t column, int64_t count, float *panel) {
  if (count > PANEL) count = PANEL;
  for (int64_t k = 0; k < depth; k += 1 + pairs, panel += PANEL) {
    const float *row = rows[k] ? rows[k] + column : NULL;
    if (pairs) {
      const float *next = k + 1 < depth && rows[k + 1] ? rows[k + 1] + column : NULL;
      interleave_pairs(row, next, count, panel);
    } else if (!row) {
      memset(panel, 0, PANEL * sizeof(float));
    } else if (count == PANEL) {
      UNROLL for (int v = 0; v < 4; v++) store(panel + v * LANES, load(row + v * LANES));
    } else {
      memcpy(panel, row, (size_t)count * sizeof(float));
    }
    if (row || pairs) memset(panel + count, 0, (size_t)(PANEL - count) * sizeof(float));
  }
}

// Words first..first + count - 1 of a row; zeros if the row is NULL.
INLINE vfloat load_words(int pairs, const float *row, int64_t depth, int64_t first, int count) {
  if (!row) return (vfloat){0};
  if (!pairs) return load_part(row + first, count);
  float words[LANES] = {0};
  const int64_t floats = depth - 2 * first;
  to_pairs(row + 2 * first, floats < 2 * LANES ? floats : 2 * LANES, words);
  return load(words);
}

// Packs the transpose of a (columns, depth) matrix from column `first` on: lane j of row k is word k of
// matrix[first + j], and zero from `columns` on. The distance between rows of the result is `row` floats.
static void pack_transposed(int pairs, const float *matrix, int64_t depth, int64_t first, int64_t columns, int64_t lanes,
                            float *to, size_t row) {
  const int64_t words = pairs ? (depth + 1) / 2 : depth;
  for (int64_t k0 = 0; k0 < words; k0 += LANES)
    for (int64_t j0 = 0; j0 < lanes; j0 += LANES) {
      const int count = (int)(words - k0 < LANES ? words - k0 : LANES);
      vfloat block[LANES];
      UNROLL for (int j = 0; j < LANES; j++) {
        const int64_t column = first + j0 + j;
        block[j] = load_words(pairs, column < columns ? matrix + column * depth : NULL, depth, k0, count);
      }
      transpose(block);
      for (int k = 0; k < count; k++) store(to + (k0 + k) * row + j0, block[k]);
    }
}

// Panels first..last-1 of such a matrix.
static void pack_panels_transposed(int pairs, const float *matrix, int64_t depth, int64_t columns, float *panels,
                                   int64_t first, int64_t last) {
  const int64_t words = pairs ? (depth + 1) / 2 : depth;
  for (int64_t p = first; p < last; p++)
    pack_transposed(pairs, matrix, depth, p * PANEL, columns, PANEL, panels + p * words * PANEL, PANEL);
}

#endif
