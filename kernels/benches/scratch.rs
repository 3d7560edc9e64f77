//! Scratch.
use parhelion_kernels::*;
use std::time::Instant;
fn run<T: Element + num_traits::Float, const N: usize, S: Stencil<T, N>>(
    name: &str,
    shape: [usize; N],
    s: &S,
    list: &[String],
) {
    let threads: usize = std::env::var("PARHELION_THREADS").map(|t| t.parse().unwrap()).unwrap_or(2);
    let pool = Pool::with_current_thread(threads).or_else(|_| Pool::new(threads)).unwrap();
    let layout = Layout::new(shape, [[S::RADIUS; 2]; N], size_of::<T>()).unwrap();
    let mut a = Array::<T, N>::zeros(&pool, layout);
    let mut b = Array::<T, N>::zeros(&pool, layout);
    a.view_mut().for_each_row(&pool, layout.whole(), |_, row| {
        row.iter_mut()
            .enumerate()
            .for_each(|(i, c)| *c = <T as num_traits::NumCast>::from(1 + i % 7).unwrap())
    });
    let cells = layout.interior();
    let mut blockings: Vec<Blocking<N>> = vec![Blocking::PLAIN];
    blockings.extend(list.iter().filter_map(|t| t.parse::<Blocking<N>>().ok()));
    if list.iter().any(|t| t == "model") {
        blockings.push(Blocking::model(
            shape,
            S::RADIUS,
            2 * size_of::<T>(),
            threads,
            &Caches::detect().unwrap(),
        ));
    }
    let mut best = vec![f64::MAX; blockings.len()];
    let reps = (4e8 / cells.len() as f64).ceil().max(1.0) as usize;
    for round in 0..3 {
        for (i, bl) in blockings.iter().enumerate() {
            let pass = Pass::new(cells, [[false; 2]; N], S::RADIUS, *bl);
            let n = (reps / bl.levels).max(1) + 1;
            let t = Instant::now();
            for _ in 0..n {
                advance(&pool, &pass, s, [a.view_mut(), b.view_mut()], &NoWalls, cells, || ()).unwrap();
            }
            let g = t.elapsed().as_secs_f64() / (n * bl.levels * cells.len()) as f64;
            if round > 0 || reps < 2 {
                best[i] = best[i].min(g);
            }
        }
    }
    for (i, bl) in blockings.iter().enumerate() {
        println!("{name} {shape:?} {bl}: {:.3} Gcell/s  x{:.2}", 1e-9 / best[i], best[0] / best[i]);
    }
}
fn main() {
    let heat = star_stencil::<f64, 3, 1>(|u: StarPoint<'_, f64, 3, 1>| {
        let around = u.at::<-1, 0, 0>() + u.at::<1, 0, 0>() + u.at::<0, -1, 0>();
        let around = around + u.at::<0, 1, 0>() + u.at::<0, 0, -1>() + u.at::<0, 0, 1>();
        u.center() + 0.1 * (around - 6.0 * u.center())
    });
    let star4 = star_stencil::<f32, 3, 4>(|u: StarPoint<'_, f32, 3, 4>| {
        macro_rules! around {
            ($distance:literal) => {
                (u.at::<{ -$distance }, 0, 0>()
                    + u.at::<$distance, 0, 0>()
                    + u.at::<0, { -$distance }, 0>()
                    + u.at::<0, $distance, 0>()
                    + u.at::<0, 0, { -$distance }>()
                    + u.at::<0, 0, $distance>())
            };
        }
        let near = 1.6 * around!(1) - 0.2 * around!(2);
        u.center()
            + 0.05 * (near + 8.0 / 315.0 * around!(3) - 1.0 / 560.0 * around!(4) - 205.0 / 24.0 * u.center())
    });
    let star2 = star_stencil::<f64, 2, 2>(|u: StarPoint<'_, f64, 2, 2>| {
        let near = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
        let far = u.at::<-2, 0>() + u.at::<2, 0>() + u.at::<0, -2>() + u.at::<0, 2>();
        u.center() + 0.25 * near - 0.125 * far
    });
    let args: Vec<String> = std::env::args().skip(1).collect();
    let n: usize = args[1].parse().unwrap();
    let list = &args[2..];
    match args[0].as_str() {
        "heat" => run("heat", [n; 3], &heat, list),
        "star4" => run("star4", [n; 3], &star4, list),
        _ => run("star2", [n; 2], &star2, list),
    }
}
