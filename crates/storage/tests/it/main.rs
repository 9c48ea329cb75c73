//! One suite, both places: a folder, and S3 where `SOCLE_TEST_S3_URL` (`s3://bucket?endpoint=…&region=…`) names one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write as _;

use bytes::Bytes;
use futures::StreamExt as _;
use storage::{Config, Error, Storage};

fn stores() -> Vec<(Storage, Option<tempfile::TempDir>)> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let local = Storage::open(&Config::default(), folder.path().join("files")).unwrap();
    let mut stores = vec![(local, Some(folder))];
    match std::env::var("SOCLE_TEST_S3_URL") {
        Ok(url) if !url.is_empty() => stores.push((Storage::open(&s3(&url), "unused".into()).unwrap(), None)),
        _ => eprintln!("S3 is left out: SOCLE_TEST_S3_URL is not set"),
    }
    stores
}

fn s3(url: &str) -> Config {
    let (bucket, query) = url.split_once('?').unwrap_or((url, ""));
    let parameter = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or("")
            .replace("%3A", ":")
            .replace("%2F", "/")
    };
    // A prefix of its own, so that tests do not meet.
    let prefix =
        format!("{bucket}/{}-{:?}", std::process::id(), std::thread::current().id()).replace(['(', ')'], "");
    Config { url: prefix, endpoint: parameter("endpoint"), region: parameter("region"), ..Config::default() }
}

async fn read(storage: &Storage, key: &str) -> Vec<u8> {
    joined(storage.get(key).await.unwrap().1).await
}

async fn joined(mut pieces: storage::Pieces) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_is_there_until_it_is_deleted() {
    for (storage, _folder) in stores() {
        let key = "surveillance/ws_1/clips/a clip é.mp4";
        assert!(matches!(storage.info(key).await, Err(Error::NotFound(_))));
        storage.put(key, Bytes::from_static(b"0123456789")).await.unwrap();
        let info = storage.info(key).await.unwrap();
        assert_eq!((info.size_bytes, info.key.as_str()), (10, key));
        assert_eq!(read(&storage, key).await, b"0123456789");
        assert_eq!(&storage.get_range(key, 3..6).await.unwrap()[..], b"345");
        let (info, pieces) = storage.get_part(key, 3..6).await.unwrap();
        assert_eq!(info.size_bytes, storage.info(key).await.unwrap().size_bytes);
        assert_eq!(joined(pieces).await, b"345");
        let signed = storage.signed_get(key, std::time::Duration::from_secs(60)).await.unwrap();
        assert_eq!(signed.is_some(), storage.place() == "s3");
        assert!(
            signed.is_none_or(|address| address.contains("X-Amz-Signature=") && !address.contains("secret"))
        );
        storage.put(key, Bytes::from_static(b"other")).await.unwrap();
        assert_eq!(&storage.get_bytes(key).await.unwrap()[..], b"other");
        let listed = storage.list("surveillance/ws_1").await.unwrap();
        assert_eq!(listed.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(), [key]);
        storage.delete(key).await.unwrap();
        storage.delete(key).await.unwrap();
        assert!(matches!(storage.get(key).await, Err(Error::NotFound(_))));
        assert!(storage.list("surveillance/ws_1").await.unwrap().is_empty());
        storage.ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_do_not_disturb_each_other() {
    for (storage, _folder) in stores() {
        futures::future::try_join_all((0..64).map(|_| storage.ping())).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_through_in_pieces() {
    for (storage, _folder) in stores() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let block: Vec<u8> = (0..1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
        for _ in 0..20 {
            file.write_all(&block).unwrap();
        }
        let size = storage.put_file("large/file", file.path()).await.unwrap();
        assert_eq!(size, 20 * 1024 * 1024);
        assert_eq!(storage.info("large/file").await.unwrap().size_bytes, size);
        let whole = block.repeat(20);
        assert!(read(&storage, "large/file").await == whole);
        let (_, part) = storage.get_part("large/file", 1_000..7_000_000).await.unwrap();
        assert!(joined(part).await == whole[1_000..7_000_000]);
        storage.delete("large/file").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_leaves_nothing() {
    for (storage, _folder) in stores() {
        assert!(matches!(
            storage.put_file("half/file", "/nowhere/at/all".as_ref()).await,
            Err(Error::Local { .. })
        ));
        assert!(storage.list("half").await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_stay_inside() {
    for (storage, _folder) in stores() {
        for key in ["../outside", "/absolute", "a/../../b", "a//b", "", ".", "a/./b", "a/"] {
            assert!(matches!(storage.put(key, Bytes::new()).await, Err(Error::Key(_))), "{key:?}");
        }
    }
}

#[test]
fn a_wrong_address_says_what_to_do() {
    for url in ["ftp://x/y", "not a url", "s3://"] {
        let refused = Storage::open(&Config { url: url.to_owned(), ..Config::default() }, "unused".into());
        assert!(refused.is_err(), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_there_whole_or_not_at_all() {
    for (storage, _folder) in stores() {
        let piece = |at: usize| Ok::<_, Error>(Bytes::from(vec![(at % 251) as u8; 1 << 20]));
        let size = storage.put_stream("ml/s/large", futures::stream::iter((0..20).map(piece))).await.unwrap();
        assert_eq!(size, 20 << 20);
        let bytes = read(&storage, "ml/s/large").await;
        assert!(
            bytes.len() == 20 << 20
                && bytes.chunks(1 << 20).enumerate().all(|(at, part)| part[0] == at as u8)
        );
        let nothing = futures::stream::iter(Vec::<Result<Bytes, Error>>::new());
        assert_eq!(storage.put_stream("ml/s/empty", nothing).await.unwrap(), 0);
        assert_eq!(storage.info("ml/s/empty").await.unwrap().size_bytes, 0);
        let broken = futures::stream::iter([piece(1), Err(Error::Config("the line broke".to_owned()))]);
        assert!(matches!(storage.put_stream("ml/s/broken", broken).await, Err(Error::Config(_))));
        assert!(matches!(storage.info("ml/s/broken").await, Err(Error::NotFound(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_takes_the_place_of_another_is_whole() {
    for (storage, _folder) in stores() {
        let write = async |number: u8| {
            let pieces = (0..8).map(|_| Ok::<_, Error>(Bytes::from(vec![number; 1 << 20])));
            storage.put_stream("ml/s/again", futures::stream::iter(pieces)).await.unwrap();
        };
        write(1).await;
        let (info, before) = storage.get("ml/s/again").await.unwrap();
        write(2).await;
        assert!(read(&storage, "ml/s/again").await == vec![2; 8 << 20]);
        assert_ne!(storage.info("ml/s/again").await.unwrap().etag, info.etag);
        // Who has begun to read goes on with what was there.
        assert!(joined(before).await == vec![1; 8 << 20]);
        futures::future::join_all((3..9).map(write)).await;
        let last = read(&storage, "ml/s/again").await;
        assert!(last.len() == 8 << 20 && last.iter().all(|byte| *byte == last[0]), "{}", last[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_tells_its_files_and_folders() {
    for (storage, _folder) in stores() {
        for key in ["ml/l/a.txt", "ml/l/deep/b.txt", "ml/l/deep/er/c.txt", "ml/l/gone/d.txt"] {
            storage.put(key, Bytes::from_static(b"x")).await.unwrap();
        }
        storage.delete("ml/l/gone/d.txt").await.unwrap();
        let (files, folders) = storage.list_level("ml/l").await.unwrap();
        let keys: Vec<_> = files.iter().map(|info| info.key.as_str()).collect();
        assert_eq!((keys, folders), (vec!["ml/l/a.txt"], vec!["deep".to_owned()]));
        let (files, folders) = storage.list_level("ml/none").await.unwrap();
        assert!(files.is_empty() && folders.is_empty());
    }
}
