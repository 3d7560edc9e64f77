/* The problems of `benches/poisson.rs` solved by hypre: conjugate gradients with PFMG, structured interface.
 *
 * Requests are lines on the standard input of rank 0, answers are lines of JSON on its standard output:
 *
 *     KIND CELLS TOLERANCE HOW   ->  {"setup": seconds, "solve": seconds, "iterations": i, "residual": relative,
 *                                     "largest": max u, "probe": u, "mean": mean u, "ranks": size}
 *
 * KIND is `constant` (−Δu = 1, u = 0 at the walls), `variable` (−∇·(β∇u) = 1, u = 0 at the walls) or `neumann` (−Δu = f
 * of mean 0, no flux through the walls), at the centers of CELLS³ cells of the unit cube, by the usual seven points;
 * the probe is cell [CELLS/4, CELLS/3, CELLS/2]. `setup` is that of the solvers alone: making the matrix does not count.
 *
 * HOW is `default` (PFMG as it comes: weighted Jacobi, Galerkin operators on coarse grids) or `tuned` (the fastest of what it
 * offers for these problems: red-black Gauss–Seidel, operators of seven points on all grids, relaxation skipped where coarsening
 * along other axes makes it needless). The matrix is stored as its symmetric half, which is the faster way.
 *
 * While there is nothing to do, all ranks sleep.
 */
#define _DEFAULT_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <HYPRE_struct_ls.h>

enum kind { CONSTANT, VARIABLE, NEUMANN, END };

struct request {
    int kind;
    int cells;
    double tolerance;
    int tuned;
};

static int rank, ranks;

static double beta(enum kind kind, double z, double y, double x)
{
    return kind == VARIABLE ? 1.0 + 0.5 * sin(6.0 * z) * cos(5.0 * y) * x : 1.0;
}

static double right_hand_side(enum kind kind, double z, double y, double x)
{
    return kind == NEUMANN ? (z - 0.5) + 2.0 * (y - 0.5) - (x - 0.5) * (x - 0.5) * (x - 0.5) : 1.0;
}

/* The next request on all ranks, which sleep meanwhile. */
static struct request next_request(void)
{
    static const char *const names[] = { "constant", "variable", "neumann" };
    struct request request = { END, 0, 0.0, 0 };
    if (rank == 0) {
        char line[256], name[32], how[32];
        if (fgets(line, sizeof line, stdin)
            && sscanf(line, "%31s %d %lf %31s", name, &request.cells, &request.tolerance, how) == 4) {
            for (int k = 0; k < END; k++)
                if (strcmp(name, names[k]) == 0)
                    request.kind = k;
            request.tuned = strcmp(how, "tuned") == 0;
        }
    }
    MPI_Request here;
    int all = 0;
    MPI_Ibarrier(MPI_COMM_WORLD, &here);
    while (MPI_Test(&here, &all, MPI_STATUS_IGNORE), !all)
        usleep(2000);
    MPI_Bcast(&request, sizeof request, MPI_BYTE, 0, MPI_COMM_WORLD);
    return request;
}

/* Writes the rows of one plane of cells, divided by the spacing's square: diagonal, and neighbors below along x, y, z. */
static void fill_plane(enum kind kind, int n, int z, double *rows)
{
    double h = 1.0 / n, scale = (double)n * n;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++, rows += 4) {
            int at[3] = { x, y, z };
            double center[3] = { (x + 0.5) * h, (y + 0.5) * h, (z + 0.5) * h };
            rows[0] = 0.0;
            for (int axis = 0; axis < 3; axis++)
                for (int side = 0; side < 2; side++) {
                    double face[3] = { center[0], center[1], center[2] };
                    face[axis] = (at[axis] + side) * h;
                    double coupling = scale * beta(kind, face[2], face[1], face[0]);
                    int wall = at[axis] == (side ? n - 1 : 0);
                    rows[0] += wall ? (kind == NEUMANN ? 0.0 : 2.0 * coupling) : coupling;
                    if (!side)
                        rows[1 + axis] = wall ? 0.0 : -coupling;
                }
        }
}

struct problem {
    HYPRE_StructGrid grid;
    HYPRE_StructStencil stencil;
    HYPRE_StructMatrix matrix;
    HYPRE_StructVector b, x;
    int low, high; /* planes of this rank */
};

static struct problem make(enum kind kind, int n)
{
    static int offsets[4][3] = { { 0, 0, 0 }, { -1, 0, 0 }, { 0, -1, 0 }, { 0, 0, -1 } };
    struct problem p;
    p.low = (int)((long)n * rank / ranks);
    p.high = (int)((long)n * (rank + 1) / ranks);
    int from[3] = { 0, 0, p.low }, to[3] = { n - 1, n - 1, p.high - 1 };
    HYPRE_StructGridCreate(MPI_COMM_WORLD, 3, &p.grid);
    HYPRE_StructGridSetExtents(p.grid, from, to);
    HYPRE_StructGridAssemble(p.grid);
    HYPRE_StructStencilCreate(3, 4, &p.stencil);
    for (int entry = 0; entry < 4; entry++)
        HYPRE_StructStencilSetElement(p.stencil, entry, offsets[entry]);
    HYPRE_StructMatrixCreate(MPI_COMM_WORLD, p.grid, p.stencil, &p.matrix);
    HYPRE_StructMatrixSetSymmetric(p.matrix, 1);
    HYPRE_StructMatrixInitialize(p.matrix);
    HYPRE_StructVectorCreate(MPI_COMM_WORLD, p.grid, &p.b);
    HYPRE_StructVectorInitialize(p.b);
    HYPRE_StructVectorCreate(MPI_COMM_WORLD, p.grid, &p.x);
    HYPRE_StructVectorInitialize(p.x);
    size_t plane = (size_t)n * n;
    double *values = malloc(4 * plane * sizeof *values);
    if (!values)
        MPI_Abort(MPI_COMM_WORLD, 1);
    for (int z = p.low; z < p.high; z++) {
        int entries[4] = { 0, 1, 2, 3 };
        from[2] = to[2] = z;
        fill_plane(kind, n, z, values);
        HYPRE_StructMatrixSetBoxValues(p.matrix, from, to, 4, entries, values);
        for (int y = 0; y < n; y++)
            for (int x = 0; x < n; x++)
                values[(size_t)y * n + x] =
                    right_hand_side(kind, (z + 0.5) / n, (y + 0.5) / n, (x + 0.5) / n);
        HYPRE_StructVectorSetBoxValues(p.b, from, to, values);
        memset(values, 0, plane * sizeof *values);
        HYPRE_StructVectorSetBoxValues(p.x, from, to, values);
    }
    free(values);
    HYPRE_StructMatrixAssemble(p.matrix);
    HYPRE_StructVectorAssemble(p.b);
    HYPRE_StructVectorAssemble(p.x);
    return p;
}

static void destroy(struct problem *p)
{
    HYPRE_StructMatrixDestroy(p->matrix);
    HYPRE_StructVectorDestroy(p->b);
    HYPRE_StructVectorDestroy(p->x);
    HYPRE_StructStencilDestroy(p->stencil);
    HYPRE_StructGridDestroy(p->grid);
}

static double now(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    return MPI_Wtime();
}

static void answer(struct request request)
{
    int n = request.cells, iterations;
    struct problem p = make(request.kind, n);
    HYPRE_StructSolver cg, pfmg;
    double residual, times[3];

    times[0] = now();
    HYPRE_StructPFMGCreate(MPI_COMM_WORLD, &pfmg);
    HYPRE_StructPFMGSetTol(pfmg, 0.0);
    HYPRE_StructPFMGSetMaxIter(pfmg, 1);
    HYPRE_StructPFMGSetZeroGuess(pfmg);
    if (request.tuned) {
        HYPRE_StructPFMGSetRelaxType(pfmg, 2);
        HYPRE_StructPFMGSetRAPType(pfmg, 1);
        HYPRE_StructPFMGSetSkipRelax(pfmg, 1);
    }
    HYPRE_StructPCGCreate(MPI_COMM_WORLD, &cg);
    HYPRE_StructPCGSetTol(cg, request.tolerance);
    HYPRE_StructPCGSetMaxIter(cg, 200);
    HYPRE_StructPCGSetTwoNorm(cg, 1);
    HYPRE_StructPCGSetPrecond(cg, HYPRE_StructPFMGSolve, HYPRE_StructPFMGSetup, pfmg);
    HYPRE_StructPCGSetup(cg, p.matrix, p.b, p.x);
    times[1] = now();
    HYPRE_StructPCGSolve(cg, p.matrix, p.b, p.x);
    times[2] = now();
    HYPRE_StructPCGGetNumIterations(cg, &iterations);
    HYPRE_StructPCGGetFinalRelativeResidualNorm(cg, &residual);
    HYPRE_StructPCGDestroy(cg);
    HYPRE_StructPFMGDestroy(pfmg);

    double largest = -HUGE_VAL, sums[2] = { 0.0, 0.0 }; /* the probe, and all */
    double *u = malloc((size_t)n * n * sizeof *u);
    if (!u)
        MPI_Abort(MPI_COMM_WORLD, 1);
    for (int z = p.low; z < p.high; z++) {
        int from[3] = { 0, 0, z }, to[3] = { n - 1, n - 1, z };
        HYPRE_StructVectorGetBoxValues(p.x, from, to, u);
        if (z == n / 4)
            sums[0] = u[(size_t)(n / 3) * n + n / 2];
        for (size_t i = 0; i < (size_t)n * n; i++) {
            largest = u[i] > largest ? u[i] : largest;
            sums[1] += u[i];
        }
    }
    free(u);
    destroy(&p);
    double all_largest, all_sums[2];
    MPI_Reduce(&largest, &all_largest, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    MPI_Reduce(sums, all_sums, 2, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0) {
        printf("{\"setup\": %.6f, \"solve\": %.6f, \"iterations\": %d, \"residual\": %.6e, ", times[1] - times[0],
               times[2] - times[1], iterations, residual);
        printf("\"largest\": %.17e, \"probe\": %.17e, \"mean\": %.17e, \"ranks\": %d}\n", all_largest, all_sums[0],
               all_sums[1] / ((double)n * n * n), ranks);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (;;) {
        struct request request = next_request();
        if (request.kind == END)
            break;
        answer(request);
    }
    MPI_Finalize();
    return 0;
}
