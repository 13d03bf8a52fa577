// The backward pass of a layer: first the gates of a chunk step by step, then products over all its tokens.
#ifndef HFSEQ_BACKWARD_H
#define HFSEQ_BACKWARD_H

#include "recurrence.h"

// One row of one step: computes the gradients of its gates before activation from the gradient of its output.
typedef struct {
  const float *grad_output, *gates, *memory, *output;
  const float *memory_before, *hidden_before;  // NULL for zeros
  // Input: gradient from the next step. Output: a part of the gradient for the previous step.
  float *grad_hidden, *grad_cell;
  float *deltas;
} row_gradient;

static void lstm_gradient(const row_gradient *row, int64_t size) {
  const vfloat one = broadcast(1.0f);
  for (int64_t at = 0; at < size; at += LANES) {
    const int count = (int)(size - at);
    const float *gates = row->gates + at;
    vfloat i = load_part(gates, count), f = load_part(gates + size, count), g = load_part(gates + 2 * size, count);
    vfloat o = load_part(gates + 3 * size, count), tanh_c = hyperbolic_tangent(load_part(row->memory + at, count));
    vfloat before = row->memory_before ? load_part(row->memory_before + at, count) : (vfloat){0};
    vfloat dh = load_part(row->grad_output + at, count) + load(row->grad_hidden + at);
    vfloat dc = load(row->grad_cell + at) + dh * o * (one - tanh_c * tanh_c);
    float *deltas = row->deltas + at;
    store_part(deltas, dc * g * i * (one - i), count);
    store_part(deltas + size, dc * before * f * (one - f), count);
    store_part(deltas + 2 * size, dc * i * (one - g * g), count);
    store_part(deltas + 3 * size, dh * tanh_c * o * (one - o), count);
    store(row->grad_cell + at, dc * f);
  }
}

// Order of the deltas of a GRU: candidate (input side), reset, update, candidate (recurrent side). The three gates of the
// input side are contiguous, and so are the three gates of the recurrent side.
static void gru_gradient(const row_gradient *row, int64_t size) {
  const vfloat one = broadcast(1.0f);
  for (int64_t at = 0; at < size; at += LANES) {
    const int count = (int)(size - at);
    const float *gates = row->gates + at;
    vfloat r = load_part(gates, count), z = load_part(gates + size, count), n = load_part(gates + 2 * size, count);
    vfloat candidate = load_part(row->memory + at, count);
    vfloat before = row->hidden_before ? load_part(row->hidden_before + at, count) : (vfloat){0};
    vfloat dh = load_part(row->grad_output + at, count) + load(row->grad_hidden + at);
    vfloat dn = dh * (one - z) * (one - n * n);
    float *deltas = row->deltas + at;
    store_part(deltas, dn, count);
    store_part(deltas + size, dn * candidate * r * (one - r), count);
    store_part(deltas + 2 * size, dh * (before - n) * z * (one - z), count);
    store_part(deltas + 3 * size, dn * r, count);
    store(row->grad_hidden + at, dh * z);
  }
}

static void rnn_gradient(const row_gradient *row, int64_t size) {
  for (int64_t at = 0; at < size; at += LANES) {
    const int count = (int)(size - at);
    vfloat y = load_part(row->output + at, count);
    vfloat dh = load_part(row->grad_output + at, count) + load(row->grad_hidden + at);
    store_part(row->deltas + at, dh * (broadcast(1.0f) - y * y), count);
  }
}

// Index in a row of deltas at which the gates of the recurrent side begin.
static inline int64_t recurrent_side(const recurrence *r) { return r->cell == CELL_GRU ? r->hidden_size : 0; }

// Left side of a product over gates: the deltas of a token of the chunk, from gate `gate` on; and the size of a row.
static inline const float *delta_words(const share *s, int64_t token, int64_t gate) {
  const workspace *w = s->w;
  return s->r->pairs ? w->delta_words[s->direction] + token * (w->delta_row / 2) + gate / 2
                     : w->deltas[s->direction] + token * w->delta_row + gate;
}
static inline size_t delta_words_row(const share *s) { return s->r->pairs ? s->w->delta_row / 2 : s->w->delta_row; }

static void backward_step(const share *s, int64_t t, int64_t tokens_begin) {
  const recurrence *r = s->r;
  const workspace *w = s->w;
  const int64_t size = r->hidden_size, d = s->direction, here = w->offsets[t], rows = rows_at(s, t);
  const int64_t had = rows_before(s, t), before = had ? w->offsets[step_before(s, t)] : 0;
  const int64_t gates_size = r->cell * size, output_row = r->directions * size;
  float *deltas = w->deltas[d] + (here - tokens_begin) * w->delta_row;
  const float *memory = r->memory ? r->memory + d * r->tokens * size : NULL;
  for (int64_t m = s->part; m < rows; m += s->parts) {
    const int64_t state = (d * r->rows + m) * size;
    row_gradient row = {
        .grad_output = r->grad_output + (here + m) * output_row + d * size,
        .gates = r->gates ? r->gates + (d * r->tokens + here + m) * gates_size : NULL,
        .memory = memory ? memory + (here + m) * size : NULL,
        .output = r->output + (here + m) * output_row + d * size,
        .grad_hidden = w->grad_hidden[d] + m * w->state_row,
        .grad_cell = w->grad_cell[d] + m * w->state_row,
        .deltas = deltas + m * w->delta_row,
    };
    if (m < had) {
      row.hidden_before = r->output + (before + m) * output_row + d * size;
      row.memory_before = memory ? memory + (before + m) * size : NULL;
    } else {
      row.hidden_before = r->hidden0 ? r->hidden0 + state : NULL;
      row.memory_before = r->cell0 ? r->cell0 + state : NULL;
    }
    if (r->cell == CELL_LSTM)
      lstm_gradient(&row, size);
    else if (r->cell == CELL_GRU)
      gru_gradient(&row, size);
    else
      rnn_gradient(&row, size);
    if (r->pairs)
      to_pairs(row.deltas, gates_size + recurrent_side(r),
               w->delta_words[d] + (here - tokens_begin + m) * (w->delta_row / 2));
  }
  // The gradient of the initial state of a row is computed only if it is needed.
  product(r->pairs, share_rows(s, r->grad_hidden0 ? rows : had), size, words(r, gates_size),
          delta_words(s, here - tokens_begin + s->part, recurrent_side(r)), s->parts * delta_words_row(s), 1,
          w->units[d], w->grad_hidden[d] + s->part * w->state_row, s->parts * w->state_row, NULL,
          r->cell == CELL_GRU);
}

// Weight rows first..last-1, for one panel: += transposed deltas of the chunk, from gate `delta` on, times the panel.
static void weight_rows(const share *s, const chunk *c, int64_t delta, int64_t first, int64_t last, int64_t columns,
                        const float *panel, float *grad, int64_t grad_row, int accumulate) {
  const float *deltas = s->r->pairs ? s->w->delta_pairs[s->direction] : s->w->deltas[s->direction];
  product(s->r->pairs, last - first, columns, words(s->r, c->tokens_end - c->tokens_begin), deltas + delta, 1,
          s->w->delta_row, panel, grad + first * grad_row, grad_row, NULL, accumulate);
}

static void input_weight_gradient(const share *s, const chunk *c, float *panel, const float **rows, int accumulate) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, gates = r->cell * size, columns = r->input_size;
  const int64_t first = part_start(gates, s->part, s->parts), last = part_start(gates, s->part + 1, s->parts);
  float *grad = r->grad_weight_ih[s->direction];
  for (int64_t k = c->tokens_begin; k < c->tokens_end; k++) rows[k - c->tokens_begin] = r->input + k * columns;
  for (int64_t column = 0; column < columns; column += PANEL) {
    const int64_t width = columns - column < PANEL ? columns - column : PANEL;
    pack_rows(r->pairs, rows, c->tokens_end - c->tokens_begin, column, width, panel);
    if (r->cell != CELL_GRU) {
      weight_rows(s, c, first, first, last, width, panel, grad + column, columns, accumulate);
      continue;
    }
    // The candidate comes first in the deltas, but last in the weights.
    const int64_t gate_end = last < 2 * size ? last : 2 * size, candidate = first > 2 * size ? first : 2 * size;
    if (first < gate_end)
      weight_rows(s, c, size + first, first, gate_end, width, panel, grad + column, columns, accumulate);
    if (candidate < last)
      weight_rows(s, c, candidate - 2 * size, candidate, last, width, panel, grad + column, columns, accumulate);
  }
}

// The hidden state before each token of a chunk, NULL for zeros.
static void find_states_before(const share *s, const chunk *c, const float **rows) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, d = s->direction;
  for (int64_t t = c->steps_begin; t < c->steps_end; t++) {
    const int64_t had = rows_before(s, t), before = had ? s->w->offsets[step_before(s, t)] : 0;
    for (int64_t m = 0; m < rows_at(s, t); m++)
      if (m < had)
        *rows++ = r->output + (before + m) * r->directions * size + d * size;
      else
        *rows++ = r->hidden0 ? r->hidden0 + (d * r->rows + m) * size : NULL;
  }
}

static void recurrent_weight_gradient(const share *s, const chunk *c, float *panel, const float **rows, int accumulate) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, gates = r->cell * size;
  const int64_t first = part_start(gates, s->part, s->parts), last = part_start(gates, s->part + 1, s->parts);
  find_states_before(s, c, rows);
  for (int64_t column = 0; column < size; column += PANEL) {
    const int64_t width = size - column < PANEL ? size - column : PANEL;
    pack_rows(r->pairs, rows, c->tokens_end - c->tokens_begin, column, width, panel);
    weight_rows(s, c, recurrent_side(r) + first, first, last, width, panel, r->grad_weight_hh[s->direction] + column,
                size, accumulate);
  }
}

// With pairs: copies the deltas of the chunk as pairs of neighbouring tokens.
static void pair_tokens(const share *s, const chunk *c) {
  const workspace *w = s->w;
  const int64_t tokens = c->tokens_end - c->tokens_begin, gates = s->r->cell * s->r->hidden_size + recurrent_side(s->r);
  const float *deltas = w->deltas[s->direction];
  for (int64_t k = 2 * s->part; k < tokens; k += 2 * s->parts)
    interleave_pairs(deltas + k * w->delta_row, k + 1 < tokens ? deltas + (k + 1) * w->delta_row : NULL, gates,
                     w->delta_pairs[s->direction] + k / 2 * w->delta_row);
}

// Adds the sum of `count` rows. It is computed separately first, so that rounding errors of long batches stay small.
static void add_rows(const float *rows, int64_t count, size_t row, float *sums, int64_t columns) {
  for (int64_t j = 0; j < columns; j += LANES) {
    const int width = (int)(columns - j < LANES ? columns - j : LANES);
    vfloat sum = {0};
    for (int64_t k = 0; k < count; k++) sum += load_part(rows + k * row + j, width);
    store_part(sums + j, load_part(sums + j, width) + sum, width);
  }
}

static void bias_gradient(const share *s, const chunk *c, int first_chunk) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, gates = r->cell * size, d = s->direction;
  const int64_t tokens = c->tokens_end - c->tokens_begin, row = s->w->delta_row;
  const float *deltas = s->w->deltas[d];
  float *ih = r->grad_bias_ih[d], *hh = r->grad_bias_hh[d];
  if (first_chunk) {
    if (ih) memset(ih, 0, gates * sizeof(float));
    if (hh) memset(hh, 0, gates * sizeof(float));
  }
  if (hh) add_rows(deltas + recurrent_side(r), tokens, row, hh, gates);
  if (!ih) return;
  if (r->cell != CELL_GRU) {
    add_rows(deltas, tokens, row, ih, gates);
  } else {
    add_rows(deltas + size, tokens, row, ih, 2 * size);
    add_rows(deltas, tokens, row, ih + 2 * size, size);
  }
}

static void input_gradient(const share *s, const chunk *c) {
  const recurrence *r = s->r;
  const int64_t tokens = c->tokens_end - c->tokens_begin, first = part_start(tokens, s->part, s->parts);
  product(r->pairs, part_start(tokens, s->part + 1, s->parts) - first, r->input_size,
          words(r, r->cell * r->hidden_size), delta_words(s, first, 0), delta_words_row(s), 1,
          s->w->inputs[s->direction],
          r->grad_input + (s->direction * r->tokens + c->tokens_begin + first) * r->input_size, r->input_size, NULL, 0);
}

static void init_state_gradients(const share *s) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, d = s->direction, row = s->w->state_row;
  for (int64_t m = s->part; m < r->rows; m += s->parts) {
    float *hidden = s->w->grad_hidden[d] + m * row, *cell = s->w->grad_cell[d] + m * row;
    memset(hidden, 0, row * sizeof(float));
    memset(cell, 0, row * sizeof(float));
    if (r->grad_hidden_n) memcpy(hidden, r->grad_hidden_n + (d * r->rows + m) * size, size * sizeof(float));
    if (r->grad_cell_n) memcpy(cell, r->grad_cell_n + (d * r->rows + m) * size, size * sizeof(float));
  }
}

static void save_state_gradients(const share *s) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, d = s->direction, row = s->w->state_row;
  for (int64_t m = s->part; m < r->rows; m += s->parts) {
    const int64_t state = (d * r->rows + m) * size;
    if (r->grad_hidden0) memcpy(r->grad_hidden0 + state, s->w->grad_hidden[d] + m * row, size * sizeof(float));
    if (r->grad_cell0) memcpy(r->grad_cell0 + state, s->w->grad_cell[d] + m * row, size * sizeof(float));
  }
}

// Packs the panels of a weight: the part of this thread. The first row of the panels is gate `rotate`.
static void pack_weight(const share *s, const float *weight, int64_t columns, int64_t rotate, float *panels) {
  const recurrence *r = s->r;
  const int64_t gates = r->cell * r->hidden_size, count = (columns + PANEL - 1) / PANEL;
  for (int64_t p = part_start(count, s->part, s->parts); p < part_start(count, s->part + 1, s->parts); p++)
    for (int64_t k = 0; k < gates; k += 1 + r->pairs) {
      const float *rows[2] = {weight + (k + rotate) % gates * columns, weight + (k + 1 + rotate) % gates * columns};
      if (k + 1 >= gates) rows[1] = NULL;
      pack_rows(r->pairs, rows, 1 + r->pairs, p * PANEL, columns - p * PANEL,
                panels + (p * words(r, gates) + k / (1 + r->pairs)) * PANEL);
    }
}

static void backward_pass(const share *s) {
  const recurrence *r = s->r;
  const workspace *w = s->w;
  const int64_t size = r->hidden_size, d = s->direction;
  float *panel = w->right[d] + s->part * w->chunk_tokens * PANEL;
  const float **rows = w->tokens[d] + s->part * w->chunk_tokens;
  pack_weight(s, r->weight_hh[d], size, 0, w->units[d]);
  if (r->grad_input) pack_weight(s, r->weight_ih[d], r->input_size, r->cell == CELL_GRU ? 2 * size : 0, w->inputs[d]);
  init_state_gradients(s);
  wait_at_barrier(&w->barriers[d], s->parts);
  for (int64_t i = 0; i < w->num_chunks; i++) {
    const chunk *c = &w->chunks[d ? i : w->num_chunks - 1 - i];
    for (int64_t j = 0; j < c->steps_end - c->steps_begin; j++)
      backward_step(s, d ? c->steps_begin + j : c->steps_end - 1 - j, c->tokens_begin);
    wait_at_barrier(&w->barriers[d], s->parts);
    if (r->pairs) {
      pair_tokens(s, c);
      wait_at_barrier(&w->barriers[d], s->parts);
    }
    if (r->grad_input) input_gradient(s, c);
    if (r->grad_weight_ih[d]) input_weight_gradient(s, c, panel, rows, i > 0);
    if (r->grad_weight_hh[d]) recurrent_weight_gradient(s, c, panel, rows, i > 0);
    if (s->part == s->parts - 1) bias_gradient(s, c, i == 0);
    wait_at_barrier(&w->barriers[d], s->parts);  // before the deltas of this chunk are overwritten
  }
  save_state_gradients(s);
}

#endif
