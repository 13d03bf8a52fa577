// The forward pass of a layer.
#ifndef HFSEQ_FORWARD_H
#define HFSEQ_FORWARD_H

#include "cells.h"

// Packs bias, input weights and recurrent weights of direction d: the part of one thread.
static void pack_forward_weights(const recurrence *r, int64_t d, forward_weights *w, int64_t part, int64_t parts) {
  const int64_t size = r->hidden_size, gates = r->cell * size;
  if (part == 0)
    for (int64_t j = 0; j < gates; j++)
      // For a GRU, the reset gate multiplies the recurrent bias of the candidate, so it is not added here.
      w->bias[j] = r->bias_ih[d][j] + (r->cell == CELL_GRU && j >= 2 * size ? 0.0f : r->bias_hh[d][j]);
  int64_t panels = (gates + PANEL - 1) / PANEL;
  pack_panels_transposed(r->pairs, r->weight_ih[d], r->input_size, gates, w->inputs, part_start(panels, part, parts),
                         part_start(panels, part + 1, parts));
  if (r->cell == CELL_RNN) {
    panels = (size + PANEL - 1) / PANEL;
    pack_panels_transposed(r->pairs, r->weight_hh[d], size, size, w->units, part_start(panels, part, parts),
                           part_start(panels, part + 1, parts));
    return;
  }
  int64_t blocks = (size + LANES - 1) / LANES;
  const size_t row = r->cell * LANES;
  for (int64_t block = part_start(blocks, part, parts); block < part_start(blocks, part + 1, parts); block++)
    for (int64_t g = 0; g < r->cell; g++)
      pack_transposed(r->pairs, r->weight_hh[d] + g * size * size, size, block * LANES, size, LANES,
                      w->units + block * words(r, size) * row + g * LANES, row);
}

static void project_inputs(const share *s, const forward_weights *weights, const chunk *c, float *gates, size_t row) {
  const recurrence *r = s->r;
  const int64_t tokens = c->tokens_end - c->tokens_begin, depth = words(r, r->input_size);
  const int64_t first = part_start(tokens, s->part, s->parts), last = part_start(tokens, s->part + 1, s->parts);
  const float *inputs = r->input + (c->tokens_begin + first) * r->input_size;
  if (r->pairs) {
    float *to = s->w->input_words[s->direction] + first * depth;
    for (int64_t m = 0; m < last - first; m++) to_pairs(inputs + m * r->input_size, r->input_size, to + m * depth);
    inputs = to;
  }
  product(r->pairs, last - first, r->cell * r->hidden_size, depth, inputs, depth, 1, weights->inputs,
          gates + first * row, row, weights->bias, 0);
}

// With pairs, the hidden state of a row before step t is in one half of `state_words`, and the next one in the other.
static inline float *words_of_row(const share *s, int64_t t, int64_t m) {
  const recurrence *r = s->r;
  return s->w->state_words[s->direction] + ((t & 1) * r->rows + m) * words(r, r->hidden_size);
}

static void init_state_words(const share *s) {
  const recurrence *r = s->r;
  for (int64_t m = s->part; r->hidden0 && m < r->rows; m += s->parts)
    for (int64_t t = 0; t < 2; t++)  // a row may start at any step
      to_pairs(r->hidden0 + (s->direction * r->rows + m) * r->hidden_size, r->hidden_size, words_of_row(s, t, m));
}

static void save_state_words(const share *s, int64_t t) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size;
  for (int64_t m = s->part; m < rows_at(s, t); m += s->parts)
    to_pairs(r->output + (s->w->offsets[t] + m) * r->directions * size + s->direction * size, size,
             words_of_row(s, t + 1, m));
}

// `gates` are those of the first token of the chunk.
static void forward_step(const share *s, const float *units, int64_t t, float *gates, size_t gates_row,
                         int64_t tokens_begin) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, d = s->direction, here = s->w->offsets[t], part = s->part, parts = s->parts;
  const size_t output_row = r->directions * size;
  const int64_t had = rows_before(s, t), before = step_before(s, t);
  const int64_t rows = share_rows(s, rows_at(s, t)), continuing = share_rows(s, had);
  const int64_t state = (d * r->rows + part) * size;
  step_rows now = {
      .hidden_size = size,
      .before = continuing > 0 ? r->output + (s->w->offsets[before] + part) * output_row + d * size : NULL,
      .before_row = parts * output_row,
      .depth = words(r, size),
      .pairs = (int)r->pairs,
      .gates = gates + (here - tokens_begin + part) * gates_row,
      .gates_row = parts * gates_row,
      .output = r->output + (here + part) * output_row + d * size,
      .output_row = parts * output_row,
      .cell = r->cell == CELL_LSTM ? r->cell_n + state : NULL,
      .cell_row = parts * size,
      .memory = r->training && r->memory ? r->memory + (d * r->tokens + here + part) * size : NULL,
      .memory_row = parts * size,
      .candidate_bias = r->cell == CELL_GRU ? r->bias_hh[d] + 2 * size : NULL,
  };
  now.left = r->pairs ? words_of_row(s, t, part) : now.before;
  now.left_row = r->pairs ? (size_t)(parts * now.depth) : now.before_row;
  cell_step(r->cell, &now, continuing, units);
  if (rows > continuing) {
    now.before = r->hidden0 ? r->hidden0 + state : NULL;
    now.before_row = parts * size;
    if (!r->pairs) {
      now.left = now.before;
      now.left_row = now.before_row;
    } else if (!now.before) {
      now.left = NULL;
    }
    step_rows starting = rows_from(now, continuing);
    cell_step(r->cell, &starting, rows - continuing, units);
  }
  if (r->pairs) save_state_words(s, t);
}

// Saves the hidden states of the rows that end at step t.
static void save_final_states(const share *s, int64_t t) {
  const recurrence *r = s->r;
  const int64_t size = r->hidden_size, d = s->direction, continuing = d ? 0 : rows_at(s, t + 1);
  if (d && t > 0) return;
  for (int64_t m = s->part; m < rows_at(s, t); m += s->parts)
    if (m >= continuing)
      memcpy(r->hidden_n + (d * r->rows + m) * size,
             r->output + (s->w->offsets[t] + m) * r->directions * size + d * size, size * sizeof(float));
}

static void forward_pass(const share *s) {
  const recurrence *r = s->r;
  const workspace *w = s->w;
  const int64_t size = r->hidden_size, d = s->direction, gates_size = r->cell * size;
  barrier *barrier = &w->barriers[d];
  forward_weights weights = w->forward[d];
  if (r->packed) {
    arena a = {(char *)(uintptr_t)r->packed, 0};
    for (int64_t i = 0; i <= d; i++) weights = allocate_forward_weights(&a, r);
  } else {
    pack_forward_weights(r, d, &weights, s->part, s->parts);
  }
  if (r->pairs) init_state_words(s);
  if (r->cell == CELL_LSTM)
    for (int64_t m = s->part; m < r->rows; m += s->parts) {
      float *cell = r->cell_n + (d * r->rows + m) * size;
      if (r->cell0)
        memcpy(cell, r->cell0 + (d * r->rows + m) * size, size * sizeof(float));
      else
        memset(cell, 0, size * sizeof(float));
    }
  wait_at_barrier(barrier, s->parts);
  for (int64_t i = 0; i < w->num_chunks; i++) {
    const chunk *c = &w->chunks[d ? w->num_chunks - 1 - i : i];
    const size_t row = r->cell == CELL_RNN ? r->directions * size : gates_size;
    float *gates = w->gates[d];
    if (r->cell == CELL_RNN)  // the only gate is the output
      gates = r->output + c->tokens_begin * row + d * size;
    else if (r->training)
      gates = r->gates + (d * r->tokens + c->tokens_begin) * gates_size;
    project_inputs(s, &weights, c, gates, row);
    wait_at_barrier(barrier, s->parts);
    for (int64_t j = 0; j < c->steps_end - c->steps_begin; j++) {
      int64_t t = d ? c->steps_end - 1 - j : c->steps_begin + j;
      forward_step(s, weights.units, t, gates, row, c->tokens_begin);
      save_final_states(s, t);
    }
    wait_at_barrier(barrier, s->parts);  // before the gates of this chunk are overwritten
  }
}

#endif
