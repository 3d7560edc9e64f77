/* The star stencil of the Parallel Research Kernels in plain C with MPI and OpenMP.
 *
 * Written for benches/prk.rs after the published definition; this is not Intel's program. The grid is cut
 * into blocks; an iteration exchanges the halo of `in` with the neighbors on both axes, adds the stencil of
 * `in` to `out` where the stencil fits into the domain, and adds 1 to `in` everywhere.
 *
 *     mpicc -O3 -march=native -fopenmp -fPIC -shared -DRADIUS=2 -o libprk_plain.so prk_plain.c
 */
#include <math.h>
#include <mpi.h>
#include <omp.h>
#include <stdlib.h>

#ifndef RADIUS
#define RADIUS 2
#endif

struct prk {
    long n;                /* points on each axis of the whole grid */
    long row, col;         /* global index of the first point of this block */
    long rows, cols;       /* points of this block */
    long stride;           /* numbers in a row of `in`, with its halo */
    int up, down, left, right;
    double *in, *out;      /* `in` has RADIUS halo cells around the block */
    double *edge[4];       /* columns sent to and received from the left, then the right */
    double weight[RADIUS + 1];
    MPI_Comm comm;
};

/* Which MPI this was compiled with. */
const char *prk_vendor(void)
{
#if defined(OMPI_MAJOR_VERSION)
    return "openmpi";
#elif defined(I_MPI_VERSION)
    return "intelmpi";
#elif defined(MPICH_VERSION)
    return "mpich";
#else
    return "unknown";
#endif
}

static void cut(long n, int parts, int part, long *first, long *count)
{
    *first = n * part / parts;
    *count = n * (part + 1) / parts - *first;
}

void prk_free(struct prk *p)
{
    if (!p)
        return;
    for (int i = 0; i < 4; i++)
        free(p->edge[i]);
    free(p->in);
    free(p->out);
    if (p->comm != MPI_COMM_NULL)
        MPI_Comm_free(&p->comm);
    free(p);
}

/* A problem of n x n points on all ranks, with this many threads on each; NULL where a rank lacks memory. */
struct prk *prk_new(long n, int threads)
{
    int ranks, rank, dims[2] = {0, 0}, wraps[2] = {0, 0}, at[2];
    struct prk *p = calloc(1, sizeof *p);
    if (!p)
        MPI_Abort(MPI_COMM_WORLD, 1); /* a few hundred bytes */
    omp_set_num_threads(threads);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Dims_create(ranks, 2, dims);
    MPI_Cart_create(MPI_COMM_WORLD, 2, dims, wraps, 0, &p->comm);
    MPI_Comm_rank(p->comm, &rank);
    MPI_Cart_coords(p->comm, rank, 2, at);
    MPI_Cart_shift(p->comm, 0, 1, &p->up, &p->down);
    MPI_Cart_shift(p->comm, 1, 1, &p->left, &p->right);
    p->n = n;
    cut(n, dims[0], at[0], &p->row, &p->rows);
    cut(n, dims[1], at[1], &p->col, &p->cols);
    p->stride = p->cols + 2 * RADIUS;
    p->in = malloc((p->rows + 2 * RADIUS) * p->stride * sizeof(double));
    p->out = malloc(p->rows * p->cols * sizeof(double));
    int complete = p->in && p->out;
    for (int i = 0; i < 4; i++) {
        p->edge[i] = malloc(p->rows * RADIUS * sizeof(double));
        complete = complete && p->edge[i];
    }
    MPI_Allreduce(MPI_IN_PLACE, &complete, 1, MPI_INT, MPI_MIN, p->comm);
    if (!complete) {
        prk_free(p);
        return NULL;
    }
    for (int k = 1; k <= RADIUS; k++)
        p->weight[k] = 1.0 / (2.0 * k * RADIUS);
#pragma omp parallel for schedule(static)
    for (long j = 0; j < p->rows; j++) {
        for (long i = 0; i < p->cols; i++) {
            p->in[(j + RADIUS) * p->stride + i + RADIUS] = (double)(p->row + j + p->col + i);
            p->out[j * p->cols + i] = 0.0;
        }
    }
    return p;
}

static void exchange(struct prk *p)
{
    MPI_Request requests[8];
    int count = 0, tall = RADIUS * (int)p->stride, wide = RADIUS * (int)p->rows;
    double *in = p->in, *first = in + RADIUS * p->stride, *last = in + p->rows * p->stride;

    MPI_Irecv(in, tall, MPI_DOUBLE, p->up, 0, p->comm, &requests[count++]);
    MPI_Irecv(last + RADIUS * p->stride, tall, MPI_DOUBLE, p->down, 1, p->comm, &requests[count++]);
    MPI_Irecv(p->edge[1], wide, MPI_DOUBLE, p->left, 2, p->comm, &requests[count++]);
    MPI_Irecv(p->edge[3], wide, MPI_DOUBLE, p->right, 3, p->comm, &requests[count++]);
    MPI_Isend(last, tall, MPI_DOUBLE, p->down, 0, p->comm, &requests[count++]);
    MPI_Isend(first, tall, MPI_DOUBLE, p->up, 1, p->comm, &requests[count++]);
    if (p->left != MPI_PROC_NULL)
        for (long j = 0; j < p->rows; j++)
            for (int k = 0; k < RADIUS; k++)
                p->edge[0][j * RADIUS + k] = first[j * p->stride + RADIUS + k];
    if (p->right != MPI_PROC_NULL)
        for (long j = 0; j < p->rows; j++)
            for (int k = 0; k < RADIUS; k++)
                p->edge[2][j * RADIUS + k] = first[j * p->stride + p->cols + k];
    MPI_Isend(p->edge[2], wide, MPI_DOUBLE, p->right, 2, p->comm, &requests[count++]);
    MPI_Isend(p->edge[0], wide, MPI_DOUBLE, p->left, 3, p->comm, &requests[count++]);
    MPI_Waitall(count, requests, MPI_STATUSES_IGNORE);
    if (p->left != MPI_PROC_NULL)
        for (long j = 0; j < p->rows; j++)
            for (int k = 0; k < RADIUS; k++)
                first[j * p->stride + k] = p->edge[1][j * RADIUS + k];
    if (p->right != MPI_PROC_NULL)
        for (long j = 0; j < p->rows; j++)
            for (int k = 0; k < RADIUS; k++)
                first[j * p->stride + RADIUS + p->cols + k] = p->edge[3][j * RADIUS + k];
}

static long most(long a, long b) { return a > b ? a : b; }
static long least(long a, long b) { return a < b ? a : b; }

void prk_iterate(struct prk *p, long iterations)
{
    const long stride = p->stride, cols = p->cols;
    const long top = most(0, RADIUS - p->row), bottom = least(p->rows, p->n - RADIUS - p->row);
    const long left = most(0, RADIUS - p->col), right = least(cols, p->n - RADIUS - p->col);
    double weight[RADIUS + 1];
    for (int k = 1; k <= RADIUS; k++)
        weight[k] = p->weight[k];
    for (long iteration = 0; iteration < iterations; iteration++) {
        exchange(p);
#pragma omp parallel for schedule(static)
        for (long j = top; j < bottom; j++) {
            const double *restrict in = p->in + (j + RADIUS) * stride + RADIUS;
            double *restrict out = p->out + j * cols;
            for (long i = left; i < right; i++) {
                double sum = out[i];
                for (int k = 1; k <= RADIUS; k++) {
                    sum += weight[k] * in[i + k * stride];
                    sum -= weight[k] * in[i - k * stride];
                    sum += weight[k] * in[i + k];
                    sum -= weight[k] * in[i - k];
                }
                out[i] = sum;
            }
        }
#pragma omp parallel for schedule(static)
        for (long j = 0; j < p->rows; j++) {
            double *restrict in = p->in + (j + RADIUS) * stride + RADIUS;
            for (long i = 0; i < cols; i++)
                in[i] += 1.0;
        }
    }
}

/* The sum of |out| over the whole grid. */
double prk_norm(const struct prk *p)
{
    double mine = 0.0, all;
    for (long i = 0; i < p->rows * p->cols; i++)
        mine += fabs(p->out[i]);
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, p->comm);
    return all;
}
