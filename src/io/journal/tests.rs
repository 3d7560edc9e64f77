//! A file whose change was cut short.

use super::*;

/// A file of 100 bytes of which 20..70 are values.
fn setting(directory: &Path) -> (PathBuf, Vec<u8>, Extents) {
    let (file, before) = (directory.join("a.h5"), (0..100).collect::<Vec<u8>>());
    fs::write(&file, &before).unwrap();
    let mut values = Extents::default();
    values.add([(20, 70)]);
    (file, before, values)
}

fn change(file: &Path) {
    let handle = OpenOptions::new().write(true).open(file).unwrap();
    handle.write_all_at(&[255; 20], 0).unwrap();
    handle.write_all_at(&[255; 60], 70).unwrap();
}

/// Leaves a journal as the death of its process does.
fn abandon(journal: Journal) {
    let lock = journal.handle.try_clone().unwrap();
    std::mem::forget(journal);
    lock.unlock().unwrap();
}

#[test]
fn a_change_that_is_not_committed_is_undone() {
    let directory = tempfile::tempdir().unwrap();
    let (file, before, values) = setting(directory.path());
    let journal = Journal::begin(&file, &values, 3, None, |_, _| Ok(())).unwrap();
    assert!(is_pending(&file) && fs::metadata(name(&file, "")).unwrap().len() < 150);
    change(&file);
    drop(journal);
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!is_pending(&file));
    // as after the death of the process, and with the file cut short
    abandon(Journal::begin(&file, &values, 3, None, |_, _| Ok(())).unwrap());
    change(&file);
    OpenOptions::new().write(true).open(&file).unwrap().set_len(90).unwrap();
    recover(&file, |_, keep| {
        assert_eq!(keep, 3);
        Ok(())
    })
    .unwrap();
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
}

#[test]
fn a_change_that_is_committed_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (file, before, values) = setting(directory.path());
    let journal = Journal::begin(&file, &values, 3, None, |_, _| Ok(())).unwrap();
    change(&file);
    journal.commit().unwrap();
    recover(&file, |_, _| unreachable!()).unwrap();
    assert_ne!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_journal_that_is_damaged_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let (file, _, values) = setting(directory.path());
    abandon(Journal::begin(&file, &values, 3, None, |_, _| Ok(())).unwrap());
    let mut bytes = fs::read(name(&file, "")).unwrap();
    bytes[40] ^= 1;
    fs::write(name(&file, ""), bytes).unwrap();
    let error = recover(&file, |_, _| unreachable!()).unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains(".a.h5.journal"), "{error}");
}

#[test]
fn large_parts_are_copied_piece_by_piece() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.h5");
    let before: Vec<u8> = (0..5 * PIECE as usize / 2).map(|n| (n % 251) as u8).collect();
    fs::write(&file, &before).unwrap();
    abandon(Journal::begin(&file, &Extents::default(), 0, None, |_, _| Ok(())).unwrap());
    let journal = fs::read(name(&file, "")).unwrap();
    let number = |at: usize| u64::from_le_bytes(journal[at..at + 8].try_into().unwrap());
    let (mut at, mut parts) = (JournalHeader::LENGTH as usize, Vec::new());
    while at < journal.len() - SUM as usize {
        parts.push((number(at), number(at + 8)));
        at += 16 + number(at + 8) as usize;
    }
    assert_eq!(parts, [(0, PIECE), (PIECE, PIECE), (2 * PIECE, PIECE / 2)]);
    fs::write(&file, vec![0; before.len()]).unwrap();
    recover(&file, |_, _| Ok(())).unwrap();
    assert!(fs::read(&file).unwrap() == before);
}

#[test]
fn a_journal_of_another_state_is_not_applied() {
    let directory = tempfile::tempdir().unwrap();
    let (file, before, values) = setting(directory.path());
    let state = i64::from_ne_bytes(before[4..12].try_into().unwrap());
    let mark = Some(StateMark { offset: 4, state });
    let begin = || Journal::begin(&file, &values, 3, mark, |_, _| Ok(())).unwrap();
    let next = begin();
    let next_state = next.next_state;
    abandon(next);
    let note = |state: i64| {
        let handle = OpenOptions::new().write(true).open(&file).unwrap();
        handle.write_all_at(&state.to_ne_bytes(), 4).unwrap();
    };
    // as from a backup, or cut off before the note
    for replace in [&|| note(77), &|| fs::write(&file, "short").unwrap()] as [&dyn Fn(); 2] {
        replace();
        let other_file = fs::read(&file).unwrap();
        let error = recover(&file, |_, _| unreachable!()).unwrap_err().to_string();
        assert!(error.contains("another state") && error.contains("backup"), "{error}");
        assert!(error.contains(".a.h5.journal") && error.contains("without that file"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), other_file);
    }
    // before and after the note, by the change itself
    for noted in [state, next_state] {
        fs::write(&file, &before).unwrap();
        if !is_pending(&file) {
            abandon(begin());
        }
        change(&file);
        note(noted);
        recover(&file, |_, _| Ok(())).unwrap();
        assert_eq!(fs::read(&file).unwrap(), before);
    }
}

#[test]
fn what_another_job_is_changing_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (file, _, values) = setting(directory.path());
    let begin = || Journal::begin(&file, &values, 3, None, |_, _| Ok(()));
    let journal = begin().unwrap();
    change(&file);
    let changed = fs::read(&file).unwrap();
    for refused in [recover(&file, |_, _| unreachable!()), begin().map(drop)] {
        let error = refused.unwrap_err();
        assert!(error.kind() == ErrorKind::ResourceBusy, "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), changed);
    journal.commit().unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    begin().unwrap().commit().unwrap();
    assert_eq!(fs::read(&file).unwrap(), changed);
}
