//! A page of HTML with every drawing, and below each the same in words.

use crate::explain::Report;

use super::sheet::{STYLE, Style, svg};
use super::words::{sentences, title};
use super::xml::escaped;

const PAGE: &str = "\
body{margin:0 auto;max-width:62rem;padding:1rem;font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif;\
color:#1f2328;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;overflow-wrap:anywhere}
figure{margin:0}svg{max-width:100%;height:auto}
summary{cursor:pointer}li{overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}}
@media print{body{color:#000;background:#fff}}
";

/// The page of these reports.
pub(crate) fn page(reports: &[&Report]) -> String {
    let mut body = String::new();
    for report in reports {
        let told: Vec<String> = sentences(report).iter().map(|told| escaped(told)).collect();
        let sentences = told.join("</li>\n<li>");
        let section = format!(
            "<section>\n<h2>{}</h2>\n<figure>\n{}<figcaption><details><summary>In words</summary>\n<ul>\n<li>{sentences}</li>\n</ul>\n\
             </details></figcaption>\n</figure>\n</section>\n",
            escaped(&title(report)),
            svg(&[report], Style::Around)
        );
        body.push_str(&section);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>What multipod makes of these pods</title>\n<style>\n{PAGE}{STYLE}</style>\n</head>\n<body>\n\
         <h1>What multipod makes of these pods</h1>\n{body}</body>\n</html>\n"
    )
}
