//! The server on real sockets: TLS, connections, slow peers, and its end.

use std::time::Duration;

use crate::support::reviews::{REAL, pod, verify};
use crate::support::running::{PATIENCE, builder, client, closed, post, start, start_with};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use multipod::admission::{self, Meter, Reply, ReviewError, Snapshot};
use multipod::server::{Handlers, Limits};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const SHORT: Duration = Duration::from_millis(300);

fn review() -> String {
    pod(&json!({"multipod/ambassador": "80:8775"})).to_string()
}

fn uid(review: &str) -> String {
    let review: Value = serde_json::from_str(review).unwrap();
    review["request"]["uid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn reviews_are_answered_one_after_the_other_on_one_connection() {
    let server = start(Limits::default());
    let mut http = server.http().await;
    for text in REAL {
        let answer = post(&mut http, "/mutate?timeout=5s", text).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(!answer.closes());
        assert!(verify(&answer.body, &uid(text)).unwrap().patch.is_some());
    }
    assert_eq!(server.shared.metrics.accepted.get(), 1);
}

#[tokio::test]
async fn both_versions_of_tls_work_and_the_newer_has_a_key_exchange_for_the_future() {
    let server = start(Limits::default());
    for (version, post_quantum) in [(&rustls::version::TLS12, false), (&rustls::version::TLS13, true)] {
        let client = builder(&server.authority, &[version]).with_no_client_auth();
        let mut stream = server.try_connect(client).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.protocol_version(), Some(version.version));
        let group = connection.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group == rustls::NamedGroup::X25519MLKEM768, post_quantum, "{group:?}");
        stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 404");
    }
}

#[tokio::test]
async fn http_2_is_offered_only_where_it_is_wanted() {
    for (wanted, expected) in [(false, &b"http/1.1"[..]), (true, b"h2")] {
        let server = start_with(Limits::default(), Handlers::default(), wanted);
        let mut client = client(&server.authority);
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = server.try_connect(client).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(expected));
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_that_a_head_may_take() {
    let server = start(Limits { head: SHORT, ..Limits::default() });
    let mut http = server.http().await;
    post(&mut http, "/mutate", &review()).await.unwrap();
    sleep(SHORT * 3).await;
    assert_eq!(post(&mut http, "/mutate", &review()).await.unwrap().status, 200);
    assert_eq!(server.shared.metrics.accepted.get(), 1);
}

#[tokio::test]
async fn peers_that_are_too_slow_are_cut_off() {
    let limits = Limits { handshake: SHORT, head: SHORT, read: SHORT, idle: SHORT * 2, ..Limits::default() };
    let server = start(limits);

    let mut silent = TcpStream::connect(server.reviews).await.unwrap();
    closed(&mut silent).await;

    let mut stalled_handshake = TcpStream::connect(server.reviews).await.unwrap();
    stalled_handshake.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    closed(&mut stalled_handshake).await;

    let mut without_request = server.connect().await;
    assert!(!closed(&mut without_request).await);

    let mut dribbling = server.connect().await;
    let mut sent = 0;
    for byte in b"POST /mutate HTTP/1.1\r\nhost: ".iter().chain(std::iter::repeat_n(&b'a', 10_000)) {
        if dribbling.write_all(&[*byte]).await.is_err() || dribbling.flush().await.is_err() {
            break;
        }
        sent += 1;
        sleep(Duration::from_millis(10)).await;
        if sent > 2000 {
            break;
        }
    }
    assert!(sent < 2000, "the head came for {sent} bytes");

    let mut stalled_body = server.connect().await;
    let head =
        "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stalled_body.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = timeout(PATIENCE, stalled_body.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");

    let mut after_one = server.connect().await;
    after_one.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert!(closed(&mut after_one).await);
    let none_left = async {
        while server.shared.metrics.connections.get() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, none_left).await.expect("no connection is left");
}

#[tokio::test]
async fn answers_that_nobody_reads_end_their_connection() {
    let server = start(Limits { write: SHORT, ..Limits::default() });
    let mut stream = server.connect().await;
    let body = review();
    let request = format!(
        "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // Until every buffer on the way is full, and then until the server has had enough.
    let flood = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(PATIENCE, flood).await.expect("the connection is closed");
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let server = start(Limits::default());
    let mut stream = server.connect().await;
    let head = format!(
        "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        29 << 20
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_client_that_sends_on_still_reads_why_it_was_refused() {
    let server = start(Limits { body: 100_000, ..Limits::default() });
    let mut stream = server.connect().await;
    let head = "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..8 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 13];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413 ");
}

#[tokio::test]
async fn a_large_review_in_pieces_is_read_to_its_end() {
    let server = start(Limits::default());
    let mut http = server.http().await;
    let mut large = pod(&json!({"multipod/ambassador": "80:8775"}));
    let env: Vec<Value> =
        (0..30_000).map(|n| json!({"name": format!("V{n}"), "value": "x".repeat(60)})).collect();
    large["request"]["object"]["spec"]["containers"][0]["env"] = json!(env);
    let large = large.to_string();
    assert!(large.len() > 2 << 20, "{}", large.len());
    let answer = post(&mut http, "/mutate", &large).await.unwrap();
    assert!(verify(&answer.body, &uid(&large)).unwrap().patch.is_some());
    assert_eq!(post(&mut http, "/mutate", &review()).await.unwrap().status, 200, "on the same connection");
}

#[tokio::test]
async fn an_old_connection_is_told_to_close_with_an_answer() {
    let server = start(Limits { age: Duration::from_millis(1), ..Limits::default() });
    let mut http = server.http().await;
    sleep(Duration::from_millis(50)).await;
    let answer = post(&mut http, "/mutate", &review()).await.unwrap();
    assert!(answer.status == 200 && answer.closes());
}

#[tokio::test]
async fn more_connections_than_seats_wait_and_are_served() {
    let server = start(Limits { connections: 2, grace: Duration::from_hours(1), ..Limits::default() });
    let first = server.http().await;
    let mut second = server.http().await;
    let third = async {
        let mut http = server.http().await;
        post(&mut http, "/mutate", &review()).await.unwrap().status
    };
    tokio::pin!(third);
    assert!(timeout(SHORT, third.as_mut()).await.is_err(), "it waits");
    assert_eq!(post(&mut second, "/mutate", &review()).await.unwrap().status, 200);
    drop(first);
    assert_eq!(timeout(PATIENCE, third).await.expect("a seat is free"), 200);
}

#[tokio::test]
async fn silent_peers_cannot_keep_everybody_out() {
    // Without a crowd, a handshake may take an hour here.
    let limits = Limits { connections: 4, handshake: Duration::from_hours(1), ..Limits::default() };
    let server = start(limits);
    let mut crowd = Vec::new();
    for _ in 0..8 {
        crowd.push(TcpStream::connect(server.reviews).await.unwrap());
    }
    let answer = async { post(&mut server.http().await, "/mutate", &review()).await.unwrap().status };
    assert_eq!(timeout(PATIENCE, answer).await.expect("a seat is free"), 200);
}

#[tokio::test]
async fn peers_that_ask_nothing_cannot_keep_everybody_out() {
    let hour = Duration::from_hours(1);
    let limits = Limits { connections: 4, head: hour, idle: hour, grace: SHORT, ..Limits::default() };
    let server = start(limits);
    let mut begun = server.http().await;
    let half = review().len() / 2;
    let mut busy = server.connect().await;
    let head = format!(
        "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        review().len()
    );
    busy.write_all((head + &review()[..half]).as_bytes()).await.unwrap();
    assert_eq!(post(&mut begun, "/mutate", &review()).await.unwrap().status, 200);
    let mut crowd = Vec::new();
    for _ in 0..8 {
        // Some never ask, some only once; some do it slowly.
        crowd.push(timeout(PATIENCE, server.connect()).await.expect("a seat is free"));
        let mut http = timeout(PATIENCE, server.http()).await.expect("a seat is free");
        assert_eq!(post(&mut http, "/mutate", &review()).await.unwrap().status, 200);
        let mut slow = timeout(PATIENCE, server.connect()).await.expect("a seat is free");
        slow.write_all(b"POST /mutate HTTP/1.1\r\nhost:").await.unwrap();
        crowd.push(slow);
    }
    // Half a request is none.
    assert!(!closed(&mut busy).await);
}

#[tokio::test]
async fn probes_are_answered_however_many_connect_and_ask_nothing() {
    let hour = Duration::from_hours(1);
    let server = start(Limits { head: hour, idle: hour, grace: SHORT, ..Limits::default() });
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(server.admin).await.unwrap());
    }
    let (status, _) = timeout(PATIENCE, server.admin("/livez")).await.expect("a seat is free");
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_body_gets_no_more_time_than_the_webhook_has() {
    // The body alone could take an hour here.
    let server = start(Limits { read: Duration::from_hours(1), ..Limits::default() });
    let mut stream = server.connect().await;
    let head = "POST /mutate?timeout=1s HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// Takes longer than any budget here.
fn slowly<'b>(
    body: &'b [u8],
    snapshot: &Snapshot,
    meter: Option<&'b Meter<'b>>,
) -> Result<Reply<'b>, ReviewError> {
    if body.len() > LARGE {
        std::thread::sleep(Duration::from_secs(3));
    }
    admission::mutate(body, snapshot, meter)
}

/// What is decided on another thread.
const LARGE: usize = 10_000;

#[tokio::test]
async fn large_reviews_hold_up_nobody_and_are_told_in_time_that_there_is_none() {
    let limits = Limits { deciders: 1, in_place: LARGE, ..Limits::default() };
    let server = start_with(limits, Handlers { mutate: slowly, ..Handlers::default() }, false);
    let large = format!("{}{}", review(), " ".repeat(LARGE));
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (mut http, large) = (server.http().await, large.clone());
        asked.spawn(async move { post(&mut http, "/mutate?timeout=1s", &large).await.unwrap() });
    }
    // There is one thread here for everything but decisions.
    let mut http = server.http().await;
    for _ in 0..100 {
        assert_eq!(post(&mut http, "/mutate", &review()).await.unwrap().status, 200);
    }
    for answer in asked.join_all().await {
        assert!(answer.status == 503 && answer.headers["retry-after"] == "1");
    }
    let (_, metrics) = server.admin("/metrics").await;
    assert!(metrics.contains("outcome=\"error\",reason=\"out_of_time\"} 3\n"), "{metrics}");
    let answer = post(&mut server.http().await, "/mutate?timeout=30s", &large).await.unwrap();
    assert_eq!(answer.status, 200, "its turn comes");
}

/// Never ends but by its time.
fn endless<'b>(_: &'b [u8], _: &Snapshot, meter: Option<&'b Meter<'b>>) -> Result<Reply<'b>, ReviewError> {
    while meter.unwrap().go(1) {}
    Err(ReviewError::OutOfTime)
}

#[tokio::test]
async fn a_decision_whose_time_is_over_gives_its_thread_back() {
    let limits = Limits { deciders: 1, in_place: LARGE, ..Limits::default() };
    let server = start_with(limits, Handlers { mutate: endless, ..Handlers::default() }, false);
    let large = format!("{}{}", review(), " ".repeat(LARGE));
    for body in [&review(), &large] {
        let answer = post(&mut server.http().await, "/mutate?timeout=1s", body).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.headers["retry-after"]), (503, &"1".parse().unwrap()));
    }
    let answer = post(&mut server.http().await, "/warn?timeout=30s", &large).await.unwrap();
    assert_eq!(answer.status, 200, "its turn comes");
}

#[tokio::test]
async fn a_body_that_takes_its_time_gives_way_to_one_that_does_not() {
    const SIZE: usize = 200_000;
    let limits = Limits { body: SIZE, buffered: SIZE * 3 / 2, grace: SHORT, ..Limits::default() };
    let server = start(limits);
    let mut slow = server.connect().await;
    let head = format!(
        "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {SIZE}\r\n\r\n"
    );
    slow.write_all((head + &" ".repeat(SIZE - 1)).as_bytes()).await.unwrap();
    let large = format!("{}{}", review(), " ".repeat(SIZE - review().len()));
    let answer = post(&mut server.http().await, "/mutate", &large).await.unwrap();
    assert_eq!(answer.status, 200);
    let mut answer = String::new();
    let _ = timeout(PATIENCE, slow.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
}

#[tokio::test]
async fn bodies_that_wait_for_each_other_are_read_one_after_the_other() {
    const SIZE: usize = 200_000;
    let limits = Limits { body: SIZE, buffered: SIZE * 3 / 2, grace: SHORT, ..Limits::default() };
    let server = start(limits);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut http = server.http().await;
        let large = format!("{}{}", review(), " ".repeat(SIZE - review().len()));
        asked.spawn(async move { post(&mut http, "/mutate", &large).await.unwrap() });
    }
    let answers = asked.join_all().await;
    assert!(answers.iter().any(|answer| answer.status == 200));
    for answer in answers {
        // Whoever cannot wait any longer is told to come again, and nothing else.
        assert!(answer.status == 200 || answer.headers["retry-after"] == "1", "{}", answer.status);
    }
    assert!(server.admin("/metrics").await.1.contains("\nmultipod_buffered_bytes 0\n"));
}

#[tokio::test]
async fn a_pod_full_of_signs_that_go_writes_as_six_bytes_is_decided() {
    let server = start(Limits::default());
    let mut large = pod(&json!({"multipod/ambassador": "80:8775"}));
    large["request"]["object"]["spec"]["containers"][0]["command"] =
        json!(["sh", "-c", "<".repeat(1_400_000)]);
    let mut http = server.http().await;
    for (path, old) in [("/mutate", false), ("/warn", true)] {
        if old {
            large["request"]["oldObject"] = large["request"]["object"].clone();
        }
        let text = large.to_string().replace('<', "\\u003c");
        assert!(text.len() > 8_400_000, "{}", text.len());
        let answer = post(&mut http, path, &text).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(verify(&answer.body, &uid(&text)).unwrap().patch.is_some(), !old);
    }
}

#[tokio::test]
async fn http_2_works_and_survives_a_pause() {
    let server = start_with(Limits { head: SHORT, ..Limits::default() }, Handlers::default(), true);
    let mut client = client(&server.authority);
    client.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TokioIo::new(server.try_connect(client).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    for _ in 0..2 {
        let request = hyper::Request::post("https://localhost/mutate")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(review())))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(verify(&response.into_body().collect().await.unwrap().to_bytes(), &uid(&review())).is_ok());
        sleep(SHORT * 3).await;
    }
}

#[tokio::test]
async fn two_hundred_connections_at_once_all_get_their_answer() {
    let server = start(Limits::default());
    let mut asked = tokio::task::JoinSet::new();
    let client = std::sync::Arc::new(client(&server.authority));
    for _ in 0..200 {
        let (client, address) = (client.clone(), server.reviews);
        asked.spawn(async move {
            let tcp = TcpStream::connect(address).await?;
            let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
            tokio_rustls::TlsConnector::from(client).connect(name, tcp).await
        });
    }
    let streams = asked.join_all().await;
    assert!(streams.iter().all(Result::is_ok));
    assert_eq!(post(&mut server.http().await, "/mutate", &review()).await.unwrap().status, 200);
}

#[tokio::test]
async fn the_end_is_told_to_everybody_and_loses_nothing() {
    let limits = Limits { drain_floor: SHORT, drain_limit: PATIENCE, ..Limits::default() };
    let mut server = start(limits);
    let mut old = server.http().await;
    let mut idle = server.connect().await;
    idle.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert!(!post(&mut old, "/mutate", &review()).await.unwrap().closes());
    assert_eq!(server.admin("/readyz").await, (200, "ok\n".to_owned()));

    server.end();
    while server.admin("/readyz").await.0 == 200 {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.admin("/livez").await.0, 200);
    // Whoever comes now is served, and whoever keeps coming keeps the port open.
    let answer = post(&mut old, "/mutate", &review()).await.unwrap();
    assert!(answer.status == 200 && answer.closes());
    for _ in 0..10 {
        let mut new = server.http().await;
        let answer = post(&mut new, "/mutate", &review()).await.unwrap();
        assert!(answer.status == 200 && answer.closes());
        sleep(SHORT / 4).await;
    }
    let address = server.reviews;
    server.ended().await;
    assert!(closed(&mut idle).await, "an idle connection is closed at the end");
    assert!(TcpStream::connect(address).await.is_err());
}

/// The order is seen by what comes before what, and not by a clock.
#[tokio::test]
async fn no_answer_closes_its_connection_before_the_replica_is_unready_and_none_keeps_it_from_then_on() {
    let limits = Limits { drain_floor: SHORT, drain_limit: PATIENCE, ..Limits::default() };
    let mut server = start(limits);
    let mut old = server.http().await;
    assert_eq!(server.admin("/readyz").await.0, 200);

    server.end();
    let mut closing = 0;
    while closing < 3 {
        let before = server.admin("/readyz").await.0;
        let answer = post(&mut old, "/mutate", &review()).await.unwrap();
        let behind = server.admin("/readyz").await.0;
        assert_eq!(answer.status, 200);
        assert!(if answer.closes() { behind == 503 } else { before == 200 }, "{before}, then {behind}");
        if answer.closes() {
            closing += 1;
            old = server.http().await;
        }
    }
    let admin = server.admin;
    server.ended().await;
    assert!(TcpStream::connect(admin).await.is_err());
}

#[tokio::test]
async fn a_drain_ends_at_its_limit_however_many_come() {
    let limits = Limits { drain_floor: SHORT, drain_limit: SHORT * 3, ..Limits::default() };
    let mut server = start(limits);
    server.end();
    let (address, authority) = (server.reviews, server.authority.clone());
    let crowd = tokio::spawn(async move {
        while let Ok(tcp) = TcpStream::connect(address).await {
            let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(client(&authority)));
            let _ =
                connector.connect(rustls::pki_types::ServerName::try_from("localhost").unwrap(), tcp).await;
        }
    });
    server.ended().await;
    timeout(PATIENCE, crowd).await.expect("the port is closed").unwrap();
}

#[tokio::test]
async fn the_admin_port_tells_what_it_should_and_the_other_port_tells_none_of_it() {
    let server = start(Limits::default());
    let mut http = server.http().await;
    for path in ["/mutate", "/metrics", "/livez", "/config"] {
        let _ = post(&mut http, path, &review()).await;
        http = server.http().await;
    }
    let (status, text) = server.admin("/readyz?verbose").await;
    assert!(status == 200 && text.contains("[+]certificate ok\n[+]synced ok\n"), "{text}");
    let (_, metrics) = server.admin("/metrics").await;
    assert!(metrics.ends_with("# EOF\n"));
    for line in [
        "multipod_admission_requests_total{endpoint=\"mutate\",outcome=\"injected\",reason=\"injected\"} 1",
        "multipod_injections_total{pattern=\"ambassador\"} 1",
        "multipod_certificate_expiry_timestamp_seconds{certificate=\"serving\"}",
        "multipod_build_info{version=",
        "multipod_connections_open ",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let (_, config) = server.admin("/config").await;
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["limits"]["idle"], "130s");
    assert_eq!(server.admin("/mutate").await.0, 404);
}

#[tokio::test]
async fn reviews_wait_for_the_first_synchronization() {
    let server = start(Limits::default());
    let known = server.shared.snapshot.load_full();
    server.shared.snapshot.store(std::sync::Arc::new(multipod::admission::Snapshot {
        missing: multipod::admission::Missing { namespaces: false, policies: true },
        ..multipod::admission::Snapshot::clone(&known)
    }));
    assert_eq!(server.admin("/readyz").await.0, 503);
    let mut http = server.http().await;
    let answer = post(&mut http, "/mutate", &review()).await.unwrap();
    assert!(answer.status == 503 && answer.closes() && answer.headers["retry-after"] == "1");
    server.shared.snapshot.store(known);
    assert_eq!(server.admin("/readyz").await.0, 200);
}
