// Matrix products from register tiles. The right-hand matrix is packed into panels of PANEL columns,
//   panels[column / PANEL][k][column % PANEL],
// zero beyond the last column; the left-hand matrix is read where it lies. Each element of the result is summed over k
// in one fixed order, so a row's result depends neither on the rows beside it nor on the number of threads.
#ifndef HFSEQ_PRODUCTS_H
#define HFSEQ_PRODUCTS_H

#include "vectors.h"

#define PANEL (4 * LANES)
#define TILE_ROWS (MANY_REGISTERS ? 6 : 3)    // times 4 vectors of sums
#define TILE_ROWS_3 (MANY_REGISTERS ? 8 : 4)  // times 3 vectors of sums
#define DEPTH_BLOCK 256                       // a panel's part that stays in the cache while rows go by

static inline size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }
static inline size_t panels_size(size_t depth, size_t columns) { return depth * round_up(columns, PANEL); }

// sums[m][v] += left(m, k) * panel[k][v], with left(m, k) = left[m * row + k * step].
INLINE void multiply_add(const int rows, const int vectors, const int width, int64_t depth, const float *left,
                         size_t row, size_t step, const float *panel, vfloat sums[][4]) {
  for (int64_t k = 0; k < depth; k++) {
    vfloat right[4];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = load(panel + k * width + v * LANES);
    UNROLL for (int m = 0; m < rows; m++) {
      vfloat x = all(left[m * row + k * step]);
      UNROLL for (int v = 0; v < vectors; v++) sums[m][v] += x * right[v];
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
  int columns;  // of this panel that exist
} tile;

INLINE void product_tile(const int rows, const int vectors, const tile *t, int64_t first_row) {
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
  multiply_add(rows, vectors, PANEL, t->depth, t->left + first_row * t->row, t->row, t->step, t->panel, sums);
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int v = 0; v < vectors; v++)
      store_part(result + m * t->result_row + v * LANES, sums[m][v], t->columns - v * LANES);
  }
}

#define PRODUCT_ROWS(VECTORS)                                        \
  static void product_rows_##VECTORS(const tile *t, int64_t rows) {  \
    int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;              \
    for (int64_t i = 0; i < tiles; i++) {                            \
      int64_t m = rows * i / tiles;                                  \
      switch (rows * (i + 1) / tiles - m) {                          \
        case 1: product_tile(1, VECTORS, t, m); break;               \
        case 2: product_tile(2, VECTORS, t, m); break;               \
        case 3: product_tile(3, VECTORS, t, m); break;               \
        MORE_ROWS(VECTORS)                                           \
      }                                                              \
    }                                                                \
  }
#if MANY_REGISTERS
#define MORE_ROWS(VECTORS)                       \
  case 4: product_tile(4, VECTORS, t, m); break; \
  case 5: product_tile(5, VECTORS, t, m); break; \
  case 6: product_tile(6, VECTORS, t, m); break;
#else
#define MORE_ROWS(VECTORS)
#endif
PRODUCT_ROWS(1)
PRODUCT_ROWS(2)
PRODUCT_ROWS(3)
PRODUCT_ROWS(4)

// result (rows, columns) = left (rows, depth) times packed panels, plus the bias, or plus what is there.
static void product(int64_t rows, int64_t columns, int64_t depth, const float *left, size_t row, size_t step,
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
      switch ((width + LANES - 1) / LANES) {
        case 1: product_rows_1(&t, rows); break;
        case 2: product_rows_2(&t, rows); break;
        case 3: product_rows_3(&t, rows); break;
        default: product_rows_4(&t, rows);
      }
    }
  }
}

// One row of a panel, from a row of which `count` columns are left.
INLINE void copy_panel_row(float *to, const float *from, int64_t count) {
  if (count >= PANEL) {
    UNROLL for (int v = 0; v < 4; v++) store(to + v * LANES, load(from + v * LANES));
  } else {
    memcpy(to, from, (size_t)count * sizeof(float));
    memset(to + count, 0, (size_t)(PANEL - count) * sizeof(float));
  }
}

// Panels first..last-1 of a matrix (depth, columns). Row k of the panels is row (k + rotate) % depth of the matrix.
static void pack_panels(const float *matrix, int64_t depth, int64_t columns, int64_t rotate, float *panels,
                        int64_t first, int64_t last) {
  for (int64_t p = first; p < last; p++)
    for (int64_t k = 0; k < depth; k++) {
      int64_t from = k + rotate < depth ? k + rotate : k + rotate - depth;
      copy_panel_row(panels + (p * depth + k) * PANEL, matrix + from * columns + p * PANEL, columns - p * PANEL);
    }
}

// Panels of the transposed matrix: `matrix` is (columns, depth) in memory. Goes by blocks that fit the first cache.
static void pack_panels_transposed(const float *matrix, int64_t depth, int64_t columns, float *panels, int64_t first,
                                   int64_t last) {
  for (int64_t p = first; p < last; p++)
    for (int64_t k0 = 0; k0 < depth; k0 += 16) {
      int64_t k1 = k0 + 16 < depth ? k0 + 16 : depth;
      for (int64_t j = 0; j < PANEL; j++) {
        int64_t column = p * PANEL + j;
        const float *from = matrix + column * depth;
        float *to = panels + p * depth * PANEL + j;
        for (int64_t k = k0; k < k1; k++) to[k * PANEL] = column < columns ? from[k] : 0.0f;
      }
    }
}

#endif
