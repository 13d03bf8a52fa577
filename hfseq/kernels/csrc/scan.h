// Cells without hidden-to-hidden weights (Feng et al. 2024): each unit is a linear scan,
//   h_t = a_t h_(t-1) + b_t,
// over packed sequences. Gates and scan need one pass over the memory. Only the outputs are saved for the gradient.
#ifndef HFSEQ_SCAN_H
#define HFSEQ_SCAN_H

#include "threads.h"
#include "vectors.h"

enum { CELL_MIN_GRU = 2, CELL_MIN_LSTM = 3 };  // also the number of gates

// Set by hfseq/kernels/scan.py, which must have the same order of fields.
typedef struct {
  int64_t cell, tokens, steps, rows, size, directions, threads;
  const int64_t *batch_sizes;  // (steps,)
  const float *gates;          // (tokens, directions, gates, size), before activation
  const float *hidden0;        // (directions, rows, size)
  float *output;               // (tokens, directions, size)
  float *hidden;               // forward pass: (directions, rows, size), input: initial states, output: final states
  const float *grad_output;    // (tokens, directions, size)
  float *grad_gates;           // (tokens, directions, gates, size)
  float *grad_hidden;          // (directions, rows, size), input: gradient of the final states, output: of the initial states
} scan;

// Weights of the previous state and of the candidate x: h = keep * before + enter * x.
typedef struct {
  vfloat keep, enter;
  // Derivatives with respect to the gates before activation: of `enter` for the update gate (min_gru), or of `keep`
  // for the input and the forget gate (min_lstm).
  vfloat slope_first, slope_second;
} mixture;

INLINE vfloat exp_of_negative(vfloat x) {  // exp(x) for x <= 0
  vfloat scale, rest = exp_parts(clamp(x, -87.0f, 0.0f), &scale);
  return scale + scale * rest;
}

INLINE mixture min_gru_mixture(vfloat update) {
  mixture m;
  m.enter = sigmoid(update);
  m.keep = broadcast(1.0f) - m.enter;
  m.slope_first = m.enter * m.keep;
  m.slope_second = (vfloat){0};
  return m;
}

// Normalised input gate i and forget gate f: keep = f / (f + i). With f = c / (c + u), i = c / (c + v), where the
// largest of c, u and v is 1, there is no overflow and no division by zero.
INLINE mixture min_lstm_mixture(vfloat input, vfloat forget) {
  vfloat most = choose(input < forget, -input, -forget);
  most = choose(most < broadcast(0.0f), broadcast(0.0f), most);
  vfloat c = exp_of_negative(-most), u = exp_of_negative(-forget - most), v = exp_of_negative(-input - most);
  vfloat share = reciprocal(c + u + c + v);
  mixture m;
  m.keep = (c + v) * share;
  m.enter = (c + u) * share;
  m.slope_first = -m.enter * v * share;
  m.slope_second = m.keep * u * share;
  return m;
}

INLINE mixture mix(const int cell, const float *gates, int64_t size, int count) {
  if (cell == CELL_MIN_GRU) return min_gru_mixture(load_part(gates, count));
  return min_lstm_mixture(load_part(gates, count), load_part(gates + size, count));
}

// A range of columns of one direction.
typedef struct {
  const scan *s;
  int64_t direction, from, to;
} column_range;

// Index of the `number`-th step, forwards or backwards in time.
INLINE int64_t step_number(const scan *s, int backwards, int64_t number) {
  return backwards ? s->steps - 1 - number : number;
}

INLINE void forward_columns(const int cell, const column_range *p) {
  const scan *s = p->s;
  const int64_t size = s->size, d = p->direction;
  int64_t end = d ? s->tokens : 0;
  for (int64_t i = 0; i < s->steps; i++) {
    const int64_t rows = s->batch_sizes[step_number(s, d, i)], here = d ? end - rows : end;
    for (int64_t m = 0; m < rows; m++) {
      const int64_t token = (here + m) * s->directions + d;
      const float *gates = s->gates + token * cell * size;
      float *hidden = s->hidden + (d * s->rows + m) * size, *output = s->output + token * size;
      for (int64_t at = p->from; at < p->to; at += LANES) {
        const int count = (int)(size - at);
        mixture w = mix(cell, gates + at, size, count);
        vfloat h = w.keep * load_part(hidden + at, count) + w.enter * load_part(gates + (cell - 1) * size + at, count);
        store_part(hidden + at, h, count);
        store_part(output + at, h, count);
      }
    }
    end = d ? here : here + rows;
  }
}

INLINE void backward_columns(const int cell, const column_range *p) {
  const scan *s = p->s;
  const int64_t size = s->size, d = p->direction;
  int64_t end = d ? 0 : s->tokens;
  for (int64_t i = 0; i < s->steps; i++) {
    const int64_t t = step_number(s, !d, i), rows = s->batch_sizes[t], here = d ? end : end - rows;
    // The previous step of the forward pass. Rows that it does not have begin here.
    const int64_t from = d ? t + 1 : t - 1, had = from < 0 || from >= s->steps ? 0 : s->batch_sizes[from];
    const int64_t before_here = d ? here + rows : here - had;
    for (int64_t m = 0; m < rows; m++) {
      const int64_t token = (here + m) * s->directions + d, state = (d * s->rows + m) * size;
      const float *before = m < had ? s->output + ((before_here + m) * s->directions + d) * size : s->hidden0 + state;
      const float *gates = s->gates + token * cell * size, *grad_output = s->grad_output + token * size;
      float *grad_gates = s->grad_gates + token * cell * size, *grad_hidden = s->grad_hidden + state;
      for (int64_t at = p->from; at < p->to; at += LANES) {
        const int count = (int)(size - at);
        mixture w = mix(cell, gates + at, size, count);
        vfloat x = load_part(gates + (cell - 1) * size + at, count), h = load_part(before + at, count);
        vfloat grad = load_part(grad_output + at, count) + load_part(grad_hidden + at, count);
        vfloat grad_mixture = grad * (cell == CELL_MIN_GRU ? x - h : h - x);
        store_part(grad_gates + at, grad_mixture * w.slope_first, count);
        if (cell == CELL_MIN_LSTM) store_part(grad_gates + size + at, grad_mixture * w.slope_second, count);
        store_part(grad_gates + (cell - 1) * size + at, grad * w.enter, count);
        store_part(grad_hidden + at, grad * w.keep, count);
      }
    }
    end = d ? here + rows : here;
  }
}

static void min_gru_forward(const column_range *p) { forward_columns(CELL_MIN_GRU, p); }
static void min_lstm_forward(const column_range *p) { forward_columns(CELL_MIN_LSTM, p); }
static void min_gru_backward(const column_range *p) { backward_columns(CELL_MIN_GRU, p); }
static void min_lstm_backward(const column_range *p) { backward_columns(CELL_MIN_LSTM, p); }

typedef struct {
  const scan *s;
  void (*columns)(const column_range *p);
} scan_pass;

// The columns of all directions are divided into blocks of a cache line. The threads do not communicate.
#define COLUMN_BLOCK 16

static void scan_task(void *argument, team_member member) {
  const scan_pass *pass = argument;
  const scan *s = pass->s;
  const int64_t blocks = (s->size + COLUMN_BLOCK - 1) / COLUMN_BLOCK, total = blocks * s->directions;
  const int64_t first = part_start(total, member.rank, member.size);
  const int64_t last = part_start(total, member.rank + 1, member.size);
  for (int64_t d = 0; d < s->directions; d++) {
    int64_t from = (first - d * blocks) * COLUMN_BLOCK, to = (last - d * blocks) * COLUMN_BLOCK;
    from = from < 0 ? 0 : from;
    to = to > s->size ? s->size : to;
    if (from < to) pass->columns(&(column_range){s, d, from, to});
  }
}

static void run_scan(const scan *s, int backward) {
  const int gru = s->cell == CELL_MIN_GRU;
  scan_pass pass = {s, backward ? (gru ? min_gru_backward : min_lstm_backward) : gru ? min_gru_forward : min_lstm_forward};
  run_team(s->threads, scan_task, &pass);
}

#endif
