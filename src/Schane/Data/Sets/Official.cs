namespace Schane.Data.Sets;

/// <summary>Official addresses, sizes and SHA-256 of the data sets that a program may fetch. Hashes as TensorFlow Datasets records
/// them (url_checksums).</summary>
internal static class Official
{
    public static IReadOnlyList<RemoteArchive> Cifar10 { get; } =
        [File("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", 170052171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")];

    public static IReadOnlyList<RemoteArchive> Cifar100 { get; } =
        [File("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", 168513733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec")];

    public static IReadOnlyList<RemoteArchive> Cub { get; } =
        [File("https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz", 1150585339,
            "0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081")];

    public static IReadOnlyList<RemoteArchive> Flowers { get; } =
    [
        File("https://www.robots.ox.ac.uk/~vgg/data/flowers/102/102flowers.tgz", 344862509,
            "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246"),
        File("https://www.robots.ox.ac.uk/~vgg/data/flowers/102/imagelabels.mat", 502,
            "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d", unpacked: false),
        File("https://www.robots.ox.ac.uk/~vgg/data/flowers/102/setid.mat", 14989,
            "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd", unpacked: false),
    ];

    public static IReadOnlyList<RemoteArchive> Pets { get; } =
    [
        File("https://www.robots.ox.ac.uk/~vgg/data/pets/data/annotations.tar.gz", 19173078,
            "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91"),
        File("https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz", 791918971,
            "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d"),
    ];

    public static IReadOnlyList<RemoteArchive> INaturalist { get; } =
    [
        File("https://ml-inat-competition-datasets.s3.amazonaws.com/2017/train_val2017.zip", 26836398,
            "e030b52cca0b54709b0b976ddcf811513e05771cabbae4ac5899a56599e9066c"),
        File("https://ml-inat-competition-datasets.s3.amazonaws.com/2017/train_val_images.tar.gz", 198765436676,
            "c7675e4a3190a13ccd0e1b9d3ae6c6c5de978ac8e794c5623503f1e7880ce4a1"),
    ];

    // That server has no https; the hash says what it sent.
    public static IReadOnlyList<RemoteArchive> Places { get; } =
    [
        File("http://data.csail.mit.edu/places/places365/filelist_places365-standard.tar", 67498496,
            "520699e00d69b63ddc29fac54645aa00ce1c10ca42e288960aa1cf791d6e9aa9"),
        File("http://data.csail.mit.edu/places/places365/val_256.tar", 525158400,
            "24b4e639ef12a0012af525bc4cb443e4ab4aaea8369a1fb009b70e4a4aad5d48"),
        File("http://data.csail.mit.edu/places/places365/train_256_places365standard.tar", 26103685120,
            "0ade5d7d38c682aa0203014a2b99ad3bf608bf1de0f151dc0d80efba54660a0a"),
    ];

    // Read in place.
    public static IReadOnlyList<RemoteArchive> Omniglot { get; } =
    [
        OmniglotFile("images_background", 9464212, "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640"),
        OmniglotFile("images_background_small1", 1319022, "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"),
        OmniglotFile("images_background_small2", 1580917, "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f"),
        OmniglotFile("images_evaluation", 6462886, "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee"),
        OmniglotFile("one-shot-classification/all_runs", 352787, "437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325"),
    ];

    private static RemoteArchive OmniglotFile(string name, long bytes, string sha256) =>
        File($"https://github.com/brendenlake/omniglot/raw/master/python/{name}.zip", bytes, sha256, unpacked: false);

    private static RemoteArchive File(string address, long bytes, string sha256, bool unpacked = true) =>
        new(new(address), bytes, sha256, unpacked);
}
