// One step of each cell for a tile of rows: the recurrent product and the activations, in registers.
#ifndef HFSEQ_CELLS_H
#define HFSEQ_CELLS_H

#include "recurrence.h"

// Pointers to the first row of the tile, and distances between rows.
typedef struct {
  int64_t hidden_size;
  const float *before;     // hidden state before the step, or NULL for zeros
  size_t before_row;
  const float *left;       // the same in words, for the product
  size_t left_row;
  int64_t depth;           // number of words of a row
  int pairs;
  float *gates;            // input: projected inputs; output in training: activated gates
  size_t gates_row;
  float *output;
  size_t output_row;
  float *cell;             // LSTM: cell state, updated
  size_t cell_row;
  float *memory;           // training: LSTM cells or GRU candidates are saved here; otherwise NULL
  size_t memory_row;
  const float *candidate_bias;  // GRU: bias_hh of the candidate
} step_rows;

static inline step_rows rows_from(step_rows s, int64_t m) {
  if (s.before) {
    s.before += m * s.before_row;
    s.left += m * s.left_row;
  }
  s.gates += m * s.gates_row;
  s.output += m * s.output_row;
  if (s.cell) s.cell += m * s.cell_row;
  if (s.memory) s.memory += m * s.memory_row;
  return s;
}

INLINE void lstm_tile(const int rows, const int pairs, const step_rows *s, const float *units, int64_t block) {
  vfloat sums[TILE_ROWS][4];
  const int64_t size = s->hidden_size, at = block * LANES;
  const int count = (int)(size - at);
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int g = 0; g < 4; g++) sums[m][g] = load_part(s->gates + m * s->gates_row + g * size + at, count);
  }
  if (s->before)
    multiply_add(pairs, rows, 4, 4 * LANES, s->depth, s->left, s->left_row, 1, units + block * s->depth * 4 * LANES, sums);
  UNROLL for (int m = 0; m < rows; m++) {
    vfloat i = sigmoid(sums[m][0]), f = sigmoid(sums[m][1]), g = hyperbolic_tangent(sums[m][2]);
    vfloat o = sigmoid(sums[m][3]);
    float *cell = s->cell + m * s->cell_row + at;
    vfloat c = f * load_part(cell, count) + i * g;
    store_part(cell, c, count);
    store_part(s->output + m * s->output_row + at, o * hyperbolic_tangent(c), count);
    if (s->memory) {
      float *gates = s->gates + m * s->gates_row + at;
      store_part(gates, i, count);
      store_part(gates + size, f, count);
      store_part(gates + 2 * size, g, count);
      store_part(gates + 3 * size, o, count);
      store_part(s->memory + m * s->memory_row + at, c, count);
    }
  }
}

INLINE void gru_tile(const int rows, const int pairs, const step_rows *s, const float *units, int64_t block) {
  vfloat sums[TILE_ROWS_3][4];
  const int64_t size = s->hidden_size, at = block * LANES;
  const int count = (int)(size - at);
  UNROLL for (int m = 0; m < rows; m++) {
    const float *gates = s->gates + m * s->gates_row + at;
    sums[m][0] = load_part(gates, count);
    sums[m][1] = load_part(gates + size, count);
    sums[m][2] = load_part(s->candidate_bias + at, count);
  }
  if (s->before)
    multiply_add(pairs, rows, 3, 3 * LANES, s->depth, s->left, s->left_row, 1, units + block * s->depth * 3 * LANES, sums);
  UNROLL for (int m = 0; m < rows; m++) {
    float *gates = s->gates + m * s->gates_row + at;
    vfloat r = sigmoid(sums[m][0]), z = sigmoid(sums[m][1]);
    vfloat n = hyperbolic_tangent(load_part(gates + 2 * size, count) + r * sums[m][2]);
    vfloat h = s->before ? load_part(s->before + m * s->before_row + at, count) : (vfloat){0};
    store_part(s->output + m * s->output_row + at, n + z * (h - n), count);
    if (s->memory) {
      store_part(gates, r, count);
      store_part(gates + size, z, count);
      store_part(gates + 2 * size, n, count);
      store_part(s->memory + m * s->memory_row + at, sums[m][2], count);
    }
  }
}

// The Elman network. `gates` and `output` are the same memory.
INLINE void rnn_tile(const int rows, const int pairs, const step_rows *s, const float *units, int64_t block) {
  vfloat sums[TILE_ROWS][4];
  const int64_t size = s->hidden_size, at = block * PANEL;
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int v = 0; v < 4; v++) {
      int count = (int)(size - at) - v * LANES;
      sums[m][v] = count > 0 ? load_part(s->gates + m * s->gates_row + at + v * LANES, count) : (vfloat){0};
    }
  }
  if (s->before)
    multiply_add(pairs, rows, 4, PANEL, s->depth, s->left, s->left_row, 1, units + block * s->depth * PANEL, sums);
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int v = 0; v < 4; v++) {
      int count = (int)(size - at) - v * LANES;
      if (count > 0) store_part(s->output + m * s->output_row + at + v * LANES, hyperbolic_tangent(sums[m][v]), count);
    }
  }
}

#define STEP_TILE(CELL, PAIRS, ROWS)                    \
  case ROWS: {                                          \
    step_rows tile_rows = rows_from(*s, m);             \
    CELL##_tile(ROWS, PAIRS, &tile_rows, units, block); \
  } break;
#if MANY_REGISTERS
#define STEP_4_UP_lstm(PAIRS) STEP_TILE(lstm, PAIRS, 4) STEP_TILE(lstm, PAIRS, 5) STEP_TILE(lstm, PAIRS, 6)
#define STEP_4_UP_rnn(PAIRS) STEP_TILE(rnn, PAIRS, 4) STEP_TILE(rnn, PAIRS, 5) STEP_TILE(rnn, PAIRS, 6)
#define STEP_4_UP_gru(PAIRS)                                                    \
  STEP_TILE(gru, PAIRS, 4) STEP_TILE(gru, PAIRS, 5) STEP_TILE(gru, PAIRS, 6)    \
  STEP_TILE(gru, PAIRS, 7) STEP_TILE(gru, PAIRS, 8)
#else
#define STEP_4_UP_lstm(PAIRS)
#define STEP_4_UP_rnn(PAIRS)
#define STEP_4_UP_gru(PAIRS) STEP_TILE(gru, PAIRS, 4)
#endif

// A step for any number of rows, divided into tiles of nearly equal size.
#define STEP(CELL, PAIRS, MAX_ROWS, WIDTH)                                                            \
  static void CELL##_step_##PAIRS(const step_rows *s, int64_t rows, const float *units) {              \
    int64_t blocks = (s->hidden_size + WIDTH - 1) / WIDTH, tiles = (rows + MAX_ROWS - 1) / MAX_ROWS; \
    for (int64_t block = 0; block < blocks; block++)                                                   \
      for (int64_t i = 0; i < tiles; i++) {                                                            \
        int64_t m = rows * i / tiles;                                                                  \
        switch (rows * (i + 1) / tiles - m) {                                                          \
          STEP_TILE(CELL, PAIRS, 1)                                                                    \
          STEP_TILE(CELL, PAIRS, 2)                                                                    \
          STEP_TILE(CELL, PAIRS, 3)                                                                    \
          STEP_4_UP_##CELL(PAIRS)                                                                      \
        }                                                                                              \
      }                                                                                                \
  }
STEP(lstm, 0, TILE_ROWS, LANES)
STEP(gru, 0, TILE_ROWS_3, LANES)
STEP(rnn, 0, TILE_ROWS, PANEL)
#if HAVE_PAIRS
STEP(lstm, 1, TILE_ROWS, LANES)
STEP(gru, 1, TILE_ROWS_3, LANES)
STEP(rnn, 1, TILE_ROWS, PANEL)
#endif

static void cell_step(int64_t cell, const step_rows *s, int64_t rows, const float *units) {
  if (rows <= 0) return;
#if HAVE_PAIRS
  if (s->pairs) {
    (cell == CELL_LSTM ? lstm_step_1 : cell == CELL_GRU ? gru_step_1 : rnn_step_1)(s, rows, units);
    return;
  }
#endif
  (cell == CELL_LSTM ? lstm_step_0 : cell == CELL_GRU ? gru_step_0 : rnn_step_0)(s, rows, units);
}

#endif
