//! That nothing breaks the judge: hostile texts, and what the limits allow.

use std::time::Duration;

use super::*;

#[test]
fn hostile_texts_end_soon_and_with_an_answer() {
    let nest = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let long = |part: &str, sign: &str, times: usize| vec![part; times].join(sign);
    let hostile = [
        nest("(", "true", ")", 24),
        nest("(", "true", ")", 25),
        nest("(", "true", ")", 900),
        nest("!(", "true", ")", 24),
        nest("[", "1", "]", 300),
        nest("{1:", "1", "}", 300),
        "(".repeat(1_999),
        ")".repeat(1_999),
        "!".repeat(1_990) + "true",
        "-".repeat(1_990) + "1",
        "- ".repeat(990) + "1 == 1",
        "'(((((((((((((((((((((((((((((((((((((((((' == 'x'".to_owned(),
        "'\\'((((((((((((((((((((((((((((((((' == 'x' // ((((((((((((((((((((((((((((".to_owned(),
        "r'\\' == 'x'".to_owned(),
        "'''((((((((((((((((((((((((((((((''' == \"\"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"\"\"".to_owned(),
        long("1", "+", 900) + " > 1",
        long("1", "+", 18) + " > 1",
        long("user.locked", "&&", 150),
        long("user.locked", "||", 150),
        long("true", "==", 300),
        long("true ? true", ":", 100) + ":true",
        "user".to_owned() + &".a".repeat(900),
        "user.login".to_owned() + &".size()".repeat(200),
        "user.privileges".to_owned() + &".filter(x, true)".repeat(100) + " == []",
        "user.privileges".to_owned() + &".all(x, user.privileges".repeat(20) + &")".repeat(20),
        format!("'{}' == user.login", "x".repeat(1_950)),
        format!("'{}' == user.login", "x".repeat(3_000)),
        format!("'{}' == user.login", "😀".repeat(480)),
        format!("user.id in [{}]", long("1", ",", 900)),
        format!("user.id == {}", "9".repeat(1_900)),
        format!("user.{} == 1", "x".repeat(1_900)),
        format!("user.login.matches('{}')", "(a*)*".repeat(300)),
        format!("user.login.matches('{}')", nest("(", "a", ")*", 400)),
        "user.login.matches('^(a+)+$') || user.login.matches('(x|x|x)*y')".to_owned(),
        "user.login.matches('\\\\w{1000}{1000}')".to_owned(),
        "\u{feff}true".to_owned(),
        "\u{0}".repeat(100),
        "😀".repeat(400),
        "'\\ud800' == ''".to_owned(),
        "'\\x' == '\\U00110000'".to_owned(),
        "\"\\".to_owned(),
        "'".to_owned(),
        "r'".to_owned(),
        "`".repeat(500),
        "? : ? :".to_owned(),
        "@result".to_owned(),
        "_+_(1, 2)".to_owned(),
        "has(has(user.id))".to_owned(),
        "has(user.privileges.all)".to_owned(),
        "user.privileges.all(@in, true)".to_owned(),
        "user.privileges.all(x, true, true)".to_owned(),
        "user.privileges.map(x, true, true, true)".to_owned(),
        "optional.of(user.id).hasValue()".to_owned(),
        "user.has(user.id)".to_owned(),
        ",".repeat(1_000),
        "a(".repeat(20),
        ["user.login", " == ", "'", "\n", "'"].concat(),
    ];
    let graph = AccessGraph::build(world());
    let (mut taken, mut refused) = (0, 0);
    for text in &hostile {
        // On a thread with the stack of a worker; whatever hangs or overflows shows.
        let (sender, receiver) = std::sync::mpsc::channel();
        let of = text.clone();
        let compiling = thread::spawn(move || {
            let compiled = Expression::compile(&of);
            sender.send(compiled).ok();
        });
        let begin: String = text.chars().take(60).collect();
        let compiled = receiver.recv_timeout(Duration::from_mins(1));
        match compiled.unwrap_or_else(|_| panic!("no answer: {begin}")) {
            Ok(expression) => {
                taken += 1;
                expression.holds(&graph, &graph.users()[0], graph.snapshot().finished);
            }
            Err(error) => {
                refused += 1;
                let told = error.to_string();
                assert!(error.line >= 1 && error.column >= 1 && told.len() < 700, "{begin}: {told}");
                assert!(!told.contains("this is a bug"), "{begin}: {told}");
            }
        }
        compiling.join().unwrap();
    }
    assert!(taken > 8 && refused > 30, "{taken} taken, {refused} refused");
}

#[test]
fn what_the_limits_allow_is_evaluated_on_a_small_stack() {
    let deep = format!("{}true{}", "!(true && ".repeat(9), ")".repeat(9));
    let sum = format!("{} > 1", vec!["user.id"; 18].join("+"));
    let walk = format!("user.privileges.exists(x, {}x == ''{})", "!(true && ".repeat(8), ")".repeat(8));
    for text in [deep, sum, walk] {
        let expression = Expression::compile(&text).unwrap();
        let small = thread::Builder::new().stack_size(1024 * 1024);
        let judging = small.spawn(move || {
            let graph = AccessGraph::build(world());
            expression.holds(&graph, &graph.users()[0], graph.snapshot().finished)
        });
        assert!(judging.unwrap().join().unwrap().is_some(), "{text}");
    }
    let sum = vec!["user.id"; 19].join("+") + " > 1";
    assert!(Expression::compile(&sum).unwrap_err().problem.contains("operations deep"));
}

#[test]
fn brackets_are_counted_where_they_are_brackets() {
    let nested = |times: usize| format!("{}true{}", "(".repeat(times), ")".repeat(times));
    assert!(Expression::compile(&nested(24)).is_ok());
    let error = Expression::compile(&nested(25)).unwrap_err();
    assert_eq!((error.line, error.column), (1, 25), "{error}");
    assert!(error.problem.contains("more than 24 brackets"), "{error}");
    let many = "(".repeat(30);
    for text in [
        format!("user.login == '{many}'"),
        format!("user.login == \"'{many}\""),
        format!("user.login == '\\'{many}'"),
        format!("r'\\' == '{many}'"),
        format!("true // {many}\n|| false"),
    ] {
        assert!(Expression::compile(&text).is_ok(), "{text}: {:?}", Expression::compile(&text));
    }
    assert!(Expression::compile(&format!("r'\\' == {many}")).unwrap_err().problem.contains("24 brackets"));
}

#[test]
fn patterns_are_bounded() {
    let compile = |pattern: &str| Expression::compile(&format!("user.login.matches(r\"{pattern}\")"));
    for pattern in [r"^\w{1,64}$", r"(?i)^(svc|adm|test)[-_.].*$", r"^[\p{L} '.-]{2,40}$"] {
        assert!(compile(pattern).is_ok(), "{pattern}: {:?}", compile(pattern));
    }
    for pattern in [r"\w{150}", "((a{100}){100}){100}"] {
        assert!(compile(pattern).unwrap_err().problem.contains("too large"), "{pattern}");
    }
}
