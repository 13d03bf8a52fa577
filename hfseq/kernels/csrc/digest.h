// A digest of the weights of a layer. It depends on every bit of every weight.
#ifndef HFSEQ_DIGEST_H
#define HFSEQ_DIGEST_H

#include "recurrence.h"

typedef uint32_t vbits __attribute__((vector_size(4 * LANES)));

// Independent chains, so that the latency of the multiplication does not limit the speed.
#define CHAINS 4
// Number of weights that a thread digests at a time. The digest does not depend on the number of threads.
#define DIGEST_BLOCK 32768
// With fewer weights, starting a second thread takes longer than it saves.
#define DIGEST_SINGLE_THREAD 100000

// A bijection of the chain for a fixed word, and of the word for a fixed chain, so a change of one weight always
// changes the chain. The rotation moves the sign bit to a position from which the multiplication propagates it.
INLINE vbits digest_step(vbits chain, vfloat word) {
  chain ^= (vbits)word;
  return ((chain << 13) | (chain >> 19)) * 2654435761u;
}

INLINE uint64_t digest_mix(uint64_t digest, uint64_t word) {
  digest = (digest ^ word) * 0x9E3779B97F4A7C15u;
  return digest ^ digest >> 29;
}

static uint64_t digest_block(uint64_t digest, const float *numbers, int64_t count) {
  vbits chains[CHAINS];
  UNROLL for (int c = 0; c < CHAINS; c++) chains[c] = (vbits){0} + (uint32_t)(c + 1);
  int64_t i = 0;
  for (; i + CHAINS * LANES <= count; i += CHAINS * LANES)
    UNROLL for (int c = 0; c < CHAINS; c++) chains[c] = digest_step(chains[c], load(numbers + i + c * LANES));
  for (; i < count; i += LANES) {
    const int64_t left = count - i;
    chains[0] = digest_step(chains[0], load_part(numbers + i, left < LANES ? (int)left : LANES));
  }
  for (int c = 0; c < CHAINS; c++)
    for (int lane = 0; lane < LANES; lane++) digest = digest_mix(digest, chains[c][lane]);
  return digest;
}

typedef struct {
  const recurrence *r;
  uint64_t sum;  // sum of the digests of all blocks; each digest starts with the index of the block
} digest_call;

static void digest_task(void *argument, team_member member) {
  digest_call *call = argument;
  const recurrence *r = call->r;
  const int64_t gates = r->cell * r->hidden_size;
  const int64_t counts[] = {gates * r->input_size, gates * r->hidden_size, gates, gates};
  uint64_t sum = 0;
  int64_t block = 0;
  for (int64_t d = 0; d < r->directions; d++) {
    const float *weights[] = {r->weight_ih[d], r->weight_hh[d], r->bias_ih[d], r->bias_hh[d]};
    for (int i = 0; i < 4; i++)
      for (int64_t begin = 0; begin < counts[i]; begin += DIGEST_BLOCK, block++) {
        if (block % member.size != member.rank) continue;
        const int64_t left = counts[i] - begin;
        uint64_t digest = digest_mix(1, (uint64_t)block);
        sum += digest_block(digest, weights[i] + begin, left < DIGEST_BLOCK ? left : DIGEST_BLOCK);
      }
  }
  __atomic_add_fetch(&call->sum, sum, __ATOMIC_ACQ_REL);
}

// The digest includes the sizes, so that layers of different shapes have different digests.
static uint64_t digest_weights(const recurrence *r, int64_t threads) {
  const int64_t numbers = r->directions * r->cell * r->hidden_size * (r->input_size + r->hidden_size + 2);
  digest_call call = {r, 0};
  run_team(numbers < DIGEST_SINGLE_THREAD ? 1 : threads, digest_task, &call);
  uint64_t digest = call.sum;
  const int64_t sizes[] = {r->cell, r->input_size, r->hidden_size, r->directions, r->pairs};
  for (int i = 0; i < 5; i++) digest = digest_mix(digest, (uint64_t)sizes[i]);
  return digest;
}

#endif
