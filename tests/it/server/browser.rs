//! The page in a browser that people have: Chromium, driven by `ChromeDriver` (`make test-page`).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::program::serve;

/// Without what a browser looks for on the internet; as root it needs to be without its sandbox.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    fn start(more: &[&str]) -> Browser {
        let mut command = Command::new("chromedriver");
        let mut driver =
            command.arg("--port=0").stdout(Stdio::piped()).spawn().expect("chromedriver is missing");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.filter_map(|line| {
            line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
        });
        let server = format!("http://127.0.0.1:{}", { port }.next().expect("chromedriver does not start"));
        let arguments: Vec<&str> = ARGUMENTS.iter().chain(more).copied().collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let made = sent(&format!("{server}/session"), &wanted);
        let session = format!("{server}/session/{}", made["sessionId"].as_str().unwrap());
        Browser { driver, session }
    }

    fn opens(&self, url: &str) {
        sent(&format!("{}/url", self.session), &json!({ "url": url }));
    }

    fn runs(&self, script: &str) -> Value {
        sent(&format!("{}/execute/sync", self.session), &json!({"script": script, "args": []}))
    }

    /// Writes into the manifest as somebody who types does.
    fn replaces(&self, old: &str, new: &str) {
        self.runs(&format!(
            "const field = document.getElementById('manifest'); field.value = field.value.replace('{old}', '{new}'); \
             field.dispatchEvent(new Event('input', {{bubbles: true}}))"
        ));
    }

    fn awaits(&self, id: &str, text: &str) {
        let mut shown = String::new();
        for _ in 0..200 {
            let found = self.runs(&format!("return document.getElementById('{id}').textContent"));
            found.as_str().unwrap_or_default().clone_into(&mut shown);
            if shown.contains(text) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("{text:?} is not in {id}: {shown}");
    }

    /// For people to look at.
    fn photographs(&self, name: &str) {
        let picture = got(&format!("{}/screenshot", self.session));
        let picture = STANDARD.decode(picture.as_str().unwrap()).unwrap();
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), picture).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn sent(url: &str, body: &Value) -> Value {
    let answer = ureq::post(url).header("content-type", "application/json").send(body.to_string());
    value(&answer.unwrap().body_mut().read_to_string().unwrap())
}

fn got(url: &str) -> Value {
    // A picture is larger than what is read otherwise.
    value(&ureq::get(url).call().unwrap().body_mut().with_config().limit(64 << 20).read_to_string().unwrap())
}

fn value(text: &str) -> Value {
    serde_json::from_str::<Value>(text).unwrap()["value"].take()
}

#[test]
#[ignore = "needs Chromium: make test-page"]
fn the_page_answers_as_somebody_types() {
    for (name, more) in [
        ("light.png", &["--window-size=1300,1400"][..]),
        (
            "dark.png",
            &["--window-size=1300,1400", "--force-dark-mode", "--blink-settings=preferredColorScheme=0"],
        ),
        ("phone.png", &["--window-size=390,1400"]),
    ] {
        let server = serve(&[]);
        let browser = Browser::start(more);
        browser.opens(&format!("http://{}/ui", server.admin));
        browser.awaits("summary", "1 pod: injected");
        browser.photographs(name);
        browser.replaces("80:8775", "8o:8775");
        browser.awaits("summary", "refused");
        browser.awaits("problems", "^^ expected a port between 1 and 65535");
        browser.replaces("8o:8775", "81:8775");
        browser.awaits("summary", "1 pod: injected");
        browser.awaits("drawing", ":81");
        browser.runs("document.getElementById('in-force').open = true");
        browser.awaits("now", "No policies or patterns.");
        browser.runs("document.getElementById('in-force').scrollIntoView()");
        browser.photographs(&format!("in-force-{name}"));
        let wide = browser
            .runs("return document.documentElement.scrollWidth > document.documentElement.clientWidth");
        assert_eq!(wide, json!(false), "{name}: the page is wider than the window");
        drop(browser);
        server.end();
    }
}
