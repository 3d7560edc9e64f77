//! Checks of a description: senseless ones are refused, the same on every rank.

use super::builder::{Coefficient, EllipticBuilder, Shift};
use super::refused;
use crate::error::Result;
use crate::field::{Boundary, Field};
use crate::grid::{Centering, Face};

impl<const N: usize> EllipticBuilder<'_, N> {
    /// # Errors
    /// When the description makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        let halo = self.grid.halo();
        if halo.iter().flatten().any(|&width| width == 0) {
            return Err(refused(format!(
                "it needs a halo of 1 on every side, but the grid's is {halo:?}; build it with halo(1)"
            )));
        }
        if !matches!(self.centering, Centering::Cell | Centering::Node) {
            return Err(refused(format!(
                "its unknowns are centered at {:?}; they can be at Cell or Node",
                self.centering
            )));
        }
        self.check_walls()?;
        if let Coefficient::Of(field, _) = self.coefficient {
            self.check_field(field, "coefficient")?;
        }
        if let Shift::Of(field) = self.shift {
            self.check_field(field, "shift")?;
        }
        let positive = |beta: f64| beta > 0.0 && beta.is_finite();
        match (&self.coefficient, self.shift) {
            (Coefficient::Constant(beta), _) if !positive(*beta) => {
                Err(refused(format!("its coefficient is {beta}; it must be positive and finite")))
            }
            (_, Shift::Constant(alpha)) if !alpha.is_finite() => {
                Err(refused(format!("its shift is {alpha}; it must be finite")))
            }
            _ => Ok(()),
        }
    }

    fn check_walls(&self) -> Result<()> {
        let periodic = self.grid.topology().periodic();
        for face in Face::all::<N>() {
            let wall = &self.walls[face.axis][usize::from(face.high)];
            let no_flux = matches!(wall, Boundary::Reflecting)
                || matches!(wall, Boundary::Neumann(slope) if *slope == 0.0);
            if periodic[face.axis] && !no_flux {
                return Err(refused(format!(
                    "{wall:?} is given at {face:?}, but the axis is periodic and has no walls"
                )));
            }
            let on_wall = wall.gives_value()
                || matches!(wall, Boundary::Neumann(_) | Boundary::NeumannAt(_) | Boundary::Reflecting);
            if !on_wall {
                return Err(refused(format!(
                    "the condition at {face:?} is {wall:?}, which prescribes halo points and says nothing of the wall; give \
                     the value or the slope on the wall, for instance by Boundary::dirichlet_at or Boundary::neumann_at"
                )));
            }
            if let Boundary::Dirichlet(value) | Boundary::Neumann(value) = wall
                && !value.is_finite()
            {
                return Err(refused(format!("{wall:?} is given at {face:?}; it must be finite")));
            }
        }
        Ok(())
    }

    fn check_field(&self, field: &Field<f64, N>, what: &str) -> Result<()> {
        let cells_too = what == "coefficient" && field.centering() == Centering::Cell;
        let fits = field.grid().same_as(&self.grid) && (field.centering() == self.centering || cells_too);
        if !fits || field.components() != 1 {
            return Err(refused(format!(
                "its {what}, field '{}' ({:?}, {} component(s)), must be centered at {:?} on the operator's own grid{}, with 1 \
                 component",
                field.name(),
                field.centering(),
                field.components(),
                self.centering,
                if what == "coefficient" { ", or at its cells" } else { "" }
            )));
        }
        let wrong = field.count(|value| !value.is_finite() || what == "coefficient" && value < 0.0);
        if wrong > 0 {
            return Err(refused(format!(
                "{wrong} value(s) of its {what} '{}' are not finite or, of a coefficient, negative",
                field.name()
            )));
        }
        Ok(())
    }
}
