//! A report as a drawing: the rows of every container, and pages of SVG and HTML made of them.
//!
//! rows (what stands in a box, with its arrows) → sheet (boxes and lines at their places, as SVG) → page (HTML around it).
//! The drawing of a terminal is made of the same rows by the command line.

mod page;
pub(crate) mod rows;
mod sheet;
mod words;
mod xml;

pub(crate) use page::page;
pub(crate) use sheet::{STYLE, Style, svg};
pub(crate) use xml::escaped;
