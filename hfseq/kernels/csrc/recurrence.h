// One recurrent layer over packed sequences (time-major, the longest rows first): its arguments, its workspace, and the
// distribution of work over threads. The cells are in cells.h, the two passes in forward.h and backward.h.
#ifndef HFSEQ_RECURRENCE_H
#define HFSEQ_RECURRENCE_H

#include "products.h"
#include "threads.h"

enum { CELL_RNN = 1, CELL_GRU = 3, CELL_LSTM = 4 };  // also the number of gates

// Set by hfseq/kernels/recurrence.py, which must have the same order of fields.
typedef struct {
  int64_t cell, tokens, steps, rows, input_size, hidden_size, directions, threads, training;
  int64_t pairs;                     // whether products use pairs of bfloat16
  const int64_t *batch_sizes;        // (steps,)
  const float *input;                // (tokens, input_size)
  const float *weight_ih[2];         // (gates * hidden_size, input_size)
  const float *weight_hh[2];         // (gates * hidden_size, hidden_size)
  const float *bias_ih[2];           // (gates * hidden_size,)
  const float *bias_hh[2];           // (gates * hidden_size,)
  const float *packed;               // weights packed by hfseq_pack_weights, or NULL
  const float *hidden0, *cell0;      // (directions, rows, hidden_size), or NULL for zeros
  float *output;                     // (tokens, directions * hidden_size)
  float *hidden_n, *cell_n;          // (directions, rows, hidden_size)
  float *gates;                      // training: (directions, tokens, gates * hidden_size), after activation
  float *memory;                     // training: (directions, tokens, hidden_size), LSTM cells or GRU candidates
  const float *grad_output;          // (tokens, directions * hidden_size)
  const float *grad_hidden_n;        // (directions, rows, hidden_size), or NULL for zeros
  const float *grad_cell_n;
  float *grad_input;                 // (directions, tokens, input_size), or NULL if not needed
  float *grad_weight_ih[2], *grad_weight_hh[2], *grad_bias_ih[2], *grad_bias_hh[2];
  float *grad_hidden0, *grad_cell0;  // (directions, rows, hidden_size), or NULL if not needed
  char *scratch;
} recurrence;

// Steps are processed in chunks of about this number of tokens, so that the gates stay in the cache between the
// products over all tokens of a chunk and the loop over its steps.
#define CHUNK_TOKENS 256

typedef struct {
  int64_t steps_begin, steps_end;    // half open
  int64_t tokens_begin, tokens_end;
} chunk;

// Allocates the memory of a pass from `scratch`. If `base` is NULL, only the required size is counted.
typedef struct {
  char *base;
  size_t used;
} arena;

static void *allocate(arena *a, size_t bytes) {
  void *p = a->base ? a->base + a->used : NULL;
  a->used += round_up(bytes, 64);
  return p;
}
static float *allocate_floats(arena *a, size_t count) { return allocate(a, count * sizeof(float)); }

// Number of words of `depth` floats on the left side of a product.
static inline int64_t words(const recurrence *r, int64_t depth) { return r->pairs ? (depth + 1) / 2 : depth; }

typedef struct {
  float *bias;      // (gates * hidden_size,): added to the projected inputs
  float *inputs;    // weight_ih, transposed, in panels
  float *units;     // weight_hh, transposed: units[block][k][gate][lane], for blocks of LANES units
} forward_weights;

static forward_weights allocate_forward_weights(arena *a, const recurrence *r) {
  size_t gates = r->cell * r->hidden_size, vectors = r->cell == CELL_RNN ? PANEL : r->cell * LANES;
  size_t width = r->cell == CELL_RNN ? PANEL : LANES;
  forward_weights w;
  w.bias = allocate_floats(a, gates);
  w.inputs = allocate_floats(a, panels_size(words(r, r->input_size), gates));
  w.units = allocate_floats(a, round_up(r->hidden_size, width) / width * words(r, r->hidden_size) * vectors);
  return w;
}

typedef struct {
  int64_t *offsets;   // (steps + 1,): first token of each step
  chunk *chunks;
  int64_t num_chunks, chunk_tokens;  // maximum number of tokens of a chunk
  barrier *barriers;  // one per direction
  forward_weights forward[2];
  float *gates[2];    // forward pass, inference: gates of one chunk
  float *input_words[2];  // forward pass with pairs: inputs of one chunk
  float *state_words[2];  // forward pass with pairs: hidden states before and after a step, (2, rows, words)
  float *inputs[2];   // backward pass: weight_ih in panels
  float *units[2];    // backward pass: weight_hh in panels
  float *deltas[2];   // backward pass: gradients of the gates of one chunk before activation, rows of `delta_row` floats
  size_t delta_row;
  float *delta_words[2];  // backward pass with pairs: the same, with pairs of neighbouring gates (half the row)
  float *delta_pairs[2];  // backward pass with pairs: the same, with pairs of neighbouring tokens (half the rows)
  float *grad_hidden[2], *grad_cell[2];  // backward pass: (rows, state_row), gradients for the previous step
  size_t state_row;
  float *right[2];    // backward pass: one panel of right-hand rows per part
  const float **tokens[2];  // backward pass: pointers to the right-hand rows, per part
  int64_t parts;      // number of threads per direction
} workspace;

static int64_t parts_of_direction(const recurrence *r) {
  int64_t parts = r->threads / r->directions, most = (r->rows + 3) / 4;
  if (parts > most) parts = most;
  return parts < 1 ? 1 : parts;
}

static workspace make_workspace(const recurrence *r, int backward, arena *a) {
  workspace w = {0};
  size_t gates = r->cell * r->hidden_size;
  w.parts = parts_of_direction(r);
  w.chunk_tokens = r->rows > CHUNK_TOKENS ? r->rows : CHUNK_TOKENS;
  w.offsets = allocate(a, (r->steps + 1) * sizeof(int64_t));
  w.chunks = allocate(a, r->steps * sizeof(chunk));
  w.barriers = allocate(a, 2 * sizeof(barrier));
  // If the distance between rows were a multiple of 4096 bytes, they would use the same lines of the L1 cache.
  w.delta_row = round_up(gates + (r->cell == CELL_GRU ? r->hidden_size : 0), LANES) + LANES;
  w.state_row = round_up(r->hidden_size, LANES);
  for (int64_t d = 0; d < r->directions; d++) {
    if (!backward) {
      if (!r->packed) w.forward[d] = allocate_forward_weights(a, r);
      if (!r->training && r->cell != CELL_RNN) w.gates[d] = allocate_floats(a, w.chunk_tokens * gates);
      if (r->pairs) {
        w.input_words[d] = allocate_floats(a, w.chunk_tokens * words(r, r->input_size));
        w.state_words[d] = allocate_floats(a, 2 * r->rows * words(r, r->hidden_size));
      }
    } else {
      if (r->grad_input) w.inputs[d] = allocate_floats(a, panels_size(words(r, gates), r->input_size));
      w.units[d] = allocate_floats(a, panels_size(words(r, gates), r->hidden_size));
      w.deltas[d] = allocate_floats(a, w.chunk_tokens * w.delta_row);
      w.grad_hidden[d] = allocate_floats(a, r->rows * w.state_row);
      w.grad_cell[d] = allocate_floats(a, r->rows * w.state_row);
      w.right[d] = allocate_floats(a, w.parts * w.chunk_tokens * PANEL);
      w.tokens[d] = allocate(a, w.parts * w.chunk_tokens * sizeof(float *));
      if (r->pairs) {
        w.delta_words[d] = allocate_floats(a, w.chunk_tokens * w.delta_row / 2);
        w.delta_pairs[d] = allocate_floats(a, (w.chunk_tokens + 1) / 2 * w.delta_row);
      }
    }
  }
  return w;
}

static void plan_chunks(const recurrence *r, workspace *w) {
  memset(w->barriers, 0, 2 * sizeof(barrier));
  w->offsets[0] = 0;
  for (int64_t t = 0; t < r->steps; t++) w->offsets[t + 1] = w->offsets[t] + r->batch_sizes[t];
  for (int64_t t = 0; t < r->steps;) {
    int64_t end = t + 1;
    while (end < r->steps && w->offsets[end + 1] - w->offsets[t] <= CHUNK_TOKENS) end++;
    w->chunks[w->num_chunks++] = (chunk){t, end, w->offsets[t], w->offsets[end]};
    t = end;
  }
}

// The part of one thread in one direction: every `parts`-th row of a step, from row `part` on.
typedef struct {
  const recurrence *r;
  const workspace *w;
  int64_t direction, part, parts;
} share;

static inline int64_t share_rows(const share *s, int64_t rows) { return (rows - s->part + s->parts - 1) / s->parts; }

static inline int64_t rows_at(const share *s, int64_t t) {
  return t < 0 || t >= s->r->steps ? 0 : s->w->offsets[t + 1] - s->w->offsets[t];
}

// The step before step t in the direction, and the number of rows of t that have a token there. Other rows begin at t.
static inline int64_t step_before(const share *s, int64_t t) { return s->direction ? t + 1 : t - 1; }
static inline int64_t rows_before(const share *s, int64_t t) {
  int64_t here = rows_at(s, t), before = rows_at(s, step_before(s, t));
  return before < here ? before : here;
}

typedef void (*direction_pass)(const share *s);

typedef struct {
  const recurrence *r;
  const workspace *w;
  direction_pass pass;
} team_pass;

static void pass_task(void *argument, team_member member) {
  const team_pass *c = argument;
  int64_t parts = member.size / c->r->directions;
  if (parts < 1) parts = 1;
  if (parts > c->w->parts) parts = c->w->parts;
  if (member.size < c->r->directions) {
    for (int64_t d = member.rank; d < c->r->directions; d += member.size) c->pass(&(share){c->r, c->w, d, 0, 1});
  } else if (member.rank < c->r->directions * parts) {
    c->pass(&(share){c->r, c->w, member.rank / parts, member.rank % parts, parts});
  }
}

static void run_pass(const recurrence *r, int backward, direction_pass pass) {
  arena a = {r->scratch, 0};
  workspace w = make_workspace(r, backward, &a);
  plan_chunks(r, &w);
  run_team(w.parts * r->directions < r->threads ? w.parts * r->directions : r->threads, pass_task,
           &(team_pass){r, &w, pass});
}

#endif
