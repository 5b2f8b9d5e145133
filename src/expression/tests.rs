use super::*;

#[test]
fn explore() {
    for text in [
        "user.enabeld", "user.name.size() > \"x\"", "1 + user.login", "usr.x", "user.login.startswith(\"a\")", "é == user.login", "\"éé\" == 1",
        "user", "foo(1)", "foo", "user.role.name", "user.locked and user.enabled", "user.locked = true", "user.locked &&", "", "(((", "user.login.matches(\"(\")",
        "user.privileges.all(x, user.privileges.exists(y, y == x))", "size(user.id) > 1", "size()", "size (1) > 1", "user.login\n  . foo(1)", "user.login == 99999999999999999999",
        "'a' in 'b'", "user.id + 1", "[1, 'a'] == []", "now - user.last_logon > 5", "duration('90d') > duration('1h')", "timestamp('2026-01-01') < now", "user.two_factor == 'enabled'",
        "user.privileges[0] == 'x'", "{'a': 1} == {}", "null == user.login", "1.5 > 2", "1u == 1", "b'x' == 'x'", "user.?login == 'a'", "user.`login` == 'a'", ".user.login == 'a'", "has(user)", "has(now)", "has(user.foo)",
        "user.privileges.all(user, true)", "user.privileges.all(x.y, true)", "user.privileges.all(x)", "user.login.all(x, true)", "!user.id == true", "-user.login == 1", "user.id ? 1 : 2", "user.locked ? 1 : 'a'", "true ? true : false ? 1 : true",
        "user.login == 'a' || user.id", "x.y", "now.foo", "user.login.foo", "user.id.foo()", "true\u{0}", "\u{202e}", "user.login == 'a", "if (user.locked) true", "user.privileges.contains('x')", "'x'.contains(user.privileges)", "contains(user.login, 'x')", "user.login.matches(user.name)",
        "user.privileges.existsOne(x, true)", "[[1]] == []", "user.login[0] == 'a'", "user.privileges.map(x, x == 'a', size(x)) == [1]", "// foo\nuser.locked", "a.b.c", "user.login.contains('a', 'b')", "user.login.contains(1)", "Msg{x: 1}.y",
    ] {
        match Expression::compile(text) {
            Ok(_) => println!("OK   {text}"),
            Err(error) => println!("ERR  {text:60} {error}"),
        }
    }
}
