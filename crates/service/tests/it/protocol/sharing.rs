//! Loaders that share modules with each other and with other programs that load some.

use expect_test::expect;

use super::check;

#[test]
fn start_twice_stop_twice() {
    check(
        "a start\na start\nshow\na stop\nshow\na stop",
        expect![[r#"
        $ a start
        = base left
        $ a start
        = base left
        $ show
        .started/a base/.owner base/a left/.owner left/a
        $ a stop
        = 
        $ show

        $ a stop
        = 
    "#]],
    );
}

#[test]
fn shared_modules_stay_until_the_last_stop() {
    check(
        "a start\nb start\nc start\nshow\na stop\nc stop\nb stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ c start
        = base left right top
        $ show
        .started/a .started/b .started/c base/.owner base/a base/b base/c left/.owner left/a left/c right/.owner right/b right/c top/.owner top/c
        $ a stop
        = base left right top
        $ c stop
        = base right
        $ b stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nb start\nb stop\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ b stop
        = base left
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn what_was_there_before_stays() {
    check(
        "insmod base\na start\nshow\na stop\nshow",
        expect![[r#"
        $ insmod base
        $ a start
        = base* left
        $ show
        .started/a base/a left/.owner left/a
        $ a stop
        = base*
        $ show

    "#]],
    );
}

#[test]
fn what_was_reloaded_by_hand_is_not_ours() {
    check(
        "a start\nrmmod left\ninsmod left\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ rmmod left
        $ insmod left
        $ a stop
        kmodloader-a: base stays loaded: used by left
        = base left*
        $ show
        base/.owner
    "#]],
    );
}

#[test]
fn what_was_unloaded_by_hand_is_loaded_again() {
    check(
        "a start\nb start\nrmmod left\na start\nshow\na stop\nb stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ rmmod left
        $ a start
        = base left right
        $ show
        .started/a .started/b base/.owner base/a base/b left/.owner left/a right/.owner right/b
        $ a stop
        = base right
        $ b stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nrmmod left\nrmmod base\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ rmmod left
        $ rmmod base
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn somebody_is_quicker() {
    check(
        "hook left before insmod\na start\nshow\na stop\nshow",
        expect![[r#"
        $ hook left before insmod
        $ a start
        = base left*
        $ show
        .started/a base/.owner base/a left/a
        $ a stop
        kmodloader-a: base stays loaded: used by left
        = base left*
        $ show
        base/.owner
    "#]],
    );
    check(
        "a start\nhook left unload rmmod\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ hook left unload rmmod
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn busy_at_stop() {
    check(
        "a start\nbusy left\na stop\nshow\nidle left\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ busy left
        $ a stop
        kmodloader-a: left stays loaded: rmmod: can't unload module 'left': Resource temporarily unavailable
        kmodloader-a: base stays loaded: used by left
        = base left
        $ show
        base/.owner left/.owner
        $ idle left
        $ a stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nbusy left\na stop\na start\nidle left\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ busy left
        $ a stop
        kmodloader-a: left stays loaded: rmmod: can't unload module 'left': Resource temporarily unavailable
        kmodloader-a: base stays loaded: used by left
        = base left
        $ a start
        = base left
        $ idle left
        $ a stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nb start\nbusy base\na stop\nb stop\nidle base\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ busy base
        $ a stop
        = base right
        $ b stop
        kmodloader-b: base stays loaded: rmmod: can't unload module 'base': Resource temporarily unavailable
        = base
        $ idle base
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn used_by_a_module_of_somebody_else() {
    check(
        "a start\ninsmod right\na stop\nshow\nrmmod right\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ insmod right
        $ a stop
        kmodloader-a: base stays loaded: used by right
        = base right*
        $ show
        base/.owner
        $ rmmod right
        $ a stop
        = 
        $ show

    "#]],
    );
}
