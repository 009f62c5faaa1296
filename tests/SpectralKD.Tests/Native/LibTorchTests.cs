using TorchSharp;

namespace SpectralKD.Tests.Native;

public sealed class LibTorchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-libtorch-").FullName;

    [Fact]
    public void Torch_works_after_loading_and_loading_twice_is_harmless()
    {
        LibTorch.EnsureLoaded();
        LibTorch.EnsureLoaded();

        using var ones = torch.ones(3);
        Assert.True(LibTorch.IsLoaded);
        Assert.Equal(3, ones.sum().item<float>());
    }

    [Fact]
    public void The_bridge_leaves_the_original_alone_and_finds_its_copy_again()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("skipped: the bridge is for Linux");
        }

        var shim = new LibTorchSearch().ShimFolders.Select(f => Path.Combine(f, "libLibTorchSharp.so")).First(File.Exists);
        var before = File.ReadAllBytes(shim);
        var copy = LibStdCxxBridge.Prepare(shim)!;

        Assert.Equal(before, File.ReadAllBytes(shim));
        Assert.NotEqual(shim, copy);
        Assert.Equal(1, File.ReadAllBytes(copy).Zip(before).Count(pair => pair.First != pair.Second));
        Assert.Null(LibStdCxxBridge.Bridged(File.ReadAllBytes(copy))); // nothing needs the version strongly any more

        var written = File.GetLastWriteTimeUtc(copy);
        Assert.Equal(copy, LibStdCxxBridge.Prepare(shim));
        Assert.Equal(written, File.GetLastWriteTimeUtc(copy));
    }

    [Fact]
    public void A_named_folder_without_libtorch_is_an_error_that_names_it()
    {
        var error = Assert.Throws<SpectralKDException>(() => LibTorchLocator.Find(Search() with { NamedFolder = _folder }));
        Assert.Contains(_folder, error.Message);
        Assert.Contains(LibTorchLocator.FolderVariable, error.Message);
    }

    [Fact]
    public void Missing_libtorch_is_an_error_that_says_where_it_was_looked_for_and_what_to_install()
    {
        var error = Assert.Throws<SpectralKDException>(() => LibTorchLocator.Find(Search()));
        Assert.Contains(Path.Combine(_folder, "packages", "libtorch-cpu-linux-x64"), error.Message);
        Assert.Contains("#r \"nuget: libtorch-cpu", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(true, "cuda")]
    [InlineData(false, "cpu")]
    public void Cuda_is_chosen_where_its_libraries_and_a_driver_are_there(bool driver, string chosen)
    {
        Make("packages/libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native", "libtorch_cpu.so", "libc10.so");
        Make("packages/libtorch-cuda-12.8-linux-x64/2.10.0/runtimes/linux-x64/native", "libtorch_cpu.so", "libtorch_cuda.so");
        Make("app", "libLibTorchSharp.so");

        var found = LibTorchLocator.Find(Search() with { HasNvidiaDriver = driver });

        Assert.Contains($"libtorch-{chosen}", found.Folder);
        Assert.Equal(driver, found.HasCuda);
    }

    [Fact]
    public void A_named_folder_wins_over_all_others()
    {
        Make("app", "libtorch_cpu.so", "libLibTorchSharp.so");
        Make("mine", "libtorch_cpu.so");
        var named = Path.Combine(_folder, "mine");
        Assert.Equal(named, LibTorchLocator.Find(Search() with { NamedFolder = named }).Folder);
    }

    [Fact]
    public void A_libtorch_that_the_process_has_loaded_is_used_again()
    {
        Make("app", "libtorch_cpu.so", "libLibTorchSharp.so");
        Make("loaded", "libtorch_cpu.so");
        var loaded = Path.Combine(_folder, "loaded");
        Assert.Equal(loaded, LibTorchLocator.Find(Search() with { LoadedFolder = loaded }).Folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private LibTorchSearch Search() => new()
    {
        NamedFolder = null,
        LoadedFolder = null,
        ApplicationFolder = Path.Combine(_folder, "app"),
        PackageFolders = [Path.Combine(_folder, "packages")],
        HasNvidiaDriver = false,
    };

    private void Make(string folder, params string[] files)
    {
        var full = Directory.CreateDirectory(Path.Combine(_folder, folder)).FullName;
        foreach (var file in files)
        {
            File.WriteAllBytes(Path.Combine(full, file), []);
        }
    }
}
