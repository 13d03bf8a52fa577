// Teams of threads, on the OpenMP threads of torch. This file does not link to OpenMP: the loader passes three
// functions of the OpenMP runtime that torch has loaded, so that the process has only one thread pool.
#ifndef HFSEQ_THREADS_H
#define HFSEQ_THREADS_H

#include <sched.h>
#include <stdint.h>

typedef struct {
  int rank, size;
} team_member;

typedef void (*team_task)(void *argument, team_member member);

static struct {
  void (*parallel)(void (*body)(void *), void *data, unsigned threads, unsigned flags);
  int (*rank)(void);
  int (*size)(void);
} openmp;

EXPORT void hfseq_use_openmp(void *parallel, void *rank, void *size) {
  *(void **)&openmp.parallel = parallel;
  *(void **)&openmp.rank = rank;
  *(void **)&openmp.size = size;
}

typedef struct {
  team_task task;
  void *argument;
} team_call;

static void team_body(void *data) {
  const team_call *call = data;
  call->task(call->argument, (team_member){openmp.rank(), openmp.size()});
}

// Runs the task on up to `threads` threads. Each thread gets its rank and the actual size of the team.
static void run_team(int64_t threads, team_task task, void *argument) {
  if (threads <= 1 || !openmp.parallel) {
    task(argument, (team_member){0, 1});
    return;
  }
  team_call call = {task, argument};
  openmp.parallel(team_body, &call, (unsigned)threads, 0);
}

// First item of a part, if `total` items are divided into `parts` contiguous parts. The next part begins at its end.
static inline int64_t part_start(int64_t total, int64_t part, int64_t parts) { return total * part / parts; }

// A barrier for `parts` threads: each waits until all have arrived. Must be zero before the first use.
typedef struct {
  int arrived, round;
  char padding[56];
} barrier;

static void wait_at_barrier(barrier *b, int64_t parts) {
  if (parts < 2) return;
  int round = __atomic_load_n(&b->round, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL) == parts) {
    __atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&b->round, round + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int tries = 0; __atomic_load_n(&b->round, __ATOMIC_ACQUIRE) == round; tries++)
    if (tries > 2000) sched_yield();
}

#endif
