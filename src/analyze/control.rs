//! Short names for the controls that a rule serves.

use crate::finding::{Control, Framework};

macro_rules! frameworks {
    ($($name:ident: $framework:ident,)*) => {
        $(pub(super) const fn $name(id: &'static str) -> Control {
            Control { framework: Framework::$framework, id }
        })*
    };
}

frameworks! {
    soc2: Soc2,
    iso27001: Iso27001,
    pci_dss: PciDss,
    nist: Nist80053,
    cis: Cis,
    hipaa: Hipaa,
    sox: Sox,
}
