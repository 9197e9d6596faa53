//! What sites answer.

use super::*;

#[test]
fn a_site_with_a_certificate_of_its_own_is_asked_by_its_name() {
    let text = "{basics}\nhttp { access_log off; ssl_certificate {dir}/c.pem; \
        ssl_certificate_key {dir}/k.pem;\n\
        server { listen 127.0.0.1:{port0} ssl; return 410; }\n\
        server { listen 127.0.0.1:{port0} ssl; server_name *.example.org; return 403; }\n\
        server { listen unix:{dir}/s; return 405; } }\n";
    let keys = std::env::temp_dir().join(format!("stopgap-keys-{}", std::process::id()));
    fs::create_dir_all(&keys).unwrap();
    let (key, certificate) = (keys.join("k.pem"), keys.join("c.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "1", "-subj", "/CN=somebody else", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    let Ok(made) = made else {
        println!("skipped: openssl is not installed");
        return;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (key, certificate) = (fs::read_to_string(key), fs::read_to_string(certificate));
    fs::remove_dir_all(&keys).unwrap();
    let files = [("k.pem", key.unwrap()), ("c.pem", certificate.unwrap())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
    let setup = Setup { files: &files, ..Setup::new(WebKind::Nginx, text) };
    let Some(running) = setup.start() else { return };
    let host = host_of(&running, None);
    let site = |name: &str| WebSite { name: name.into(), tls: true, ..site(running.port(0)) };
    let ask = |site: &WebSite| ask(&host, site);
    assert_eq!(ask(&site("")), Answer::Status(410));
    assert_eq!(ask(&site("*.example.org")), Answer::Status(403));
    let plain = WebSite { tls: false, ..site("") };
    assert_eq!(ask(&plain), Answer::Status(400), "plain HTTP to a port of TLS");
    let socket = Listen::Unix(path(&running.dir().join("s")));
    assert_eq!(ask(&WebSite { listen: socket, ..plain.clone() }), Answer::Status(405));
    let none = Listen::Unix(path(&running.dir().join("none")));
    assert!(matches!(ask(&WebSite { listen: none, ..plain }), Answer::Unreachable(_)));
}

#[test]
fn a_site_that_says_nothing_closes_or_is_not_there_is_told_apart() {
    let running = free_ports(1);
    let host = LinuxHost::open(WebSettings { find: false, servers: Vec::new() }).unwrap();
    assert_eq!(host.web_servers(), []);
    assert!(matches!(status(&host, running[0]), Answer::Unreachable(_)));
    let tls = |port| WebSite { tls: true, ..site(port) };

    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(status(&host, silent.local_addr().unwrap().port()), Answer::Nothing);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            drop(stream);
        }
    });
    assert_eq!(status(&host, port), Answer::Closed);
    let no_tls = ask(&host, &tls(port));
    assert!(matches!(no_tls, Answer::Unreachable(_)), "{no_tls:?}");
    let unasked = WebSite { listen: Listen::Unasked("it is far away".into()), ..site(0) };
    let told = ask(&host, &unasked);
    assert_eq!(told, Answer::Unreachable("it is far away".into()));
}

/// A server that answers each request with what `answer` says, which is told how many came
/// before by the same connection. Answers its port.
fn application(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> (u16, Arc<Seen>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Seen::default());
    let (told, answer) = (Arc::clone(&seen), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            told.connections.fetch_add(1, Ordering::Relaxed);
            let (seen, answer) = (Arc::clone(&told), Arc::clone(&answer));
            thread::spawn(move || serve(stream, &seen, &*answer));
        }
    });
    (port, seen)
}

/// What a server saw.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

fn serve(mut stream: TcpStream, seen: &Seen, answer: &dyn Fn(usize) -> String) {
    let mut buffer = [0; 4096];
    let mut nth = 0;
    while let Ok(1..) = stream.read(&mut buffer) {
        let at_once = seen.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        seen.most_at_once.fetch_max(at_once, Ordering::Relaxed);
        // So that what is asked at once is here at once.
        thread::sleep(Duration::from_millis(20));
        let text = answer(nth);
        nth += 1;
        seen.at_once.fetch_sub(1, Ordering::Relaxed);
        if text.is_empty() || stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn ok() -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()
}

fn question(site: WebSite) -> ProbeRequest {
    ProbeRequest { site, request: get("/"), patience: ANSWER_TIME }
}

/// What is answered to so many questions, in the order of the answers.
fn answers(prober: &mut dyn Prober, count: usize) -> Vec<(usize, Answer)> {
    let mut answers = Vec::new();
    while answers.len() < count {
        match prober.next_event(PATIENCE) {
            Some(ProbeEvent::Answered(number, answer)) => answers.push((number, answer)),
            Some(ProbeEvent::Slow(_)) => {}
            None => panic!("{} of {count} questions are answered: {answers:?}", answers.len()),
        }
    }
    answers
}

fn nobody() -> LinuxHost {
    LinuxHost::open(WebSettings { find: false, servers: Vec::new() }).unwrap()
}

#[test]
fn a_hundred_silent_sites_keep_the_last_one_from_nothing() {
    let host = nobody();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let (answering, _) = application(|_| ok());
    let mut prober = live(&host).prober(Duration::from_millis(200));
    for number in 0..100 {
        let site = WebSite { name: format!("silent{number}.test"), ..site(port) };
        prober.send(question(site));
    }
    let last = prober.send(question(site(answering)));
    assert_eq!(answers(&mut *prober, 1), [(last, Answer::Status(200))]);
    // Nobody waits for the others.
    drop(prober);
}

#[test]
fn a_silent_site_is_told_to_be_slow_before_its_time_is_over() {
    let host = nobody();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let site = site(silent.local_addr().unwrap().port());
    let mut prober = live(&host).prober(Duration::from_millis(200));
    let patience = Duration::from_millis(600);
    prober.send(ProbeRequest { patience, ..question(site) });
    assert_eq!(prober.next_event(PATIENCE), Some(ProbeEvent::Slow(0)));
    assert_eq!(prober.next_event(PATIENCE), Some(ProbeEvent::Answered(0, Answer::Nothing)));
}

#[test]
fn the_questions_to_one_site_go_over_few_kept_connections() {
    let host = nobody();
    for kept in
        [ok(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".into()]
    {
        let (port, seen) = application(move |_| kept.clone());
        let mut prober = live(&host).prober(PATIENCE);
        (0..40).for_each(|_| _ = prober.send(question(site(port))));
        let all = answers(&mut *prober, 40);
        assert!(all.iter().all(|(_, answer)| *answer == Answer::Status(200)), "{all:?}");
        assert!(seen.connections.load(Ordering::Relaxed) <= 4);
        assert!(seen.most_at_once.load(Ordering::Relaxed) <= 4);
    }
}

#[test]
fn a_kept_connection_that_was_closed_is_no_answer() {
    let host = nobody();
    // The second request of each connection is answered by closing it.
    let (port, _) = application(|nth| if nth == 0 { ok() } else { String::new() });
    let mut prober = live(&host).prober(PATIENCE);
    for _ in 0..5 {
        let number = prober.send(question(site(port)));
        assert_eq!(answers(&mut *prober, 1), [(number, Answer::Status(200))]);
        // So that its connection is kept when the next question is put.
        thread::sleep(Duration::from_millis(50));
    }
    let (port, _) = application(|_| String::new());
    let number = prober.send(question(site(port)));
    assert_eq!(answers(&mut *prober, 1), [(number, Answer::Closed)]);
}

#[test]
fn a_site_that_says_it_was_asked_too_often_is_asked_one_question_at_a_time() {
    let host = nobody();
    let often = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
    let (port, seen) = application(move |_| often.to_owned());
    let mut prober = live(&host).prober(PATIENCE);
    prober.send(question(site(port)));
    let _ = answers(&mut *prober, 1);
    (0..3).for_each(|_| _ = prober.send(question(site(port))));
    let _ = answers(&mut *prober, 3);
    assert_eq!(seen.most_at_once.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_not_begun_is_not_asked_any_more_and_what_is_begun_is_answered() {
    let host = nobody();
    let (go_on, told) = channel();
    let told = std::sync::Mutex::new(told);
    let (port, seen) = application(move |_| {
        told.lock().unwrap().recv().unwrap();
        ok()
    });
    let mut prober = live(&host).prober(PATIENCE);
    (0..10).for_each(|_| _ = prober.send(question(site(port))));
    until("four are begun", || seen.at_once.load(Ordering::Relaxed) == 4);
    assert_eq!(prober.stop_sending().len(), 6);
    (0..4).for_each(|_| go_on.send(()).unwrap());
    let all = answers(&mut *prober, 4);
    assert!(all.iter().all(|(_, answer)| *answer == Answer::Status(200)), "{all:?}");
    assert_eq!(prober.next_event(Duration::from_millis(200)), None);
}

#[test]
fn an_address_of_another_machine_is_not_asked() {
    let host = nobody();
    for address in ["192.0.2.1", "2001:db8::1"] {
        let address: std::net::IpAddr = address.parse().unwrap();
        let listen = Listen::Port(Some(address), 80);
        let told = ask(&host, &WebSite { listen, ..site(80) });
        assert_eq!(told, Answer::NotHere(address));
    }
    let (port, _) = application(|_| ok());
    let every = WebSite { listen: Listen::Port(None, port), ..site(port) };
    assert_eq!(ask(&host, &every), Answer::Status(200));
}
