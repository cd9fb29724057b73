using System.Runtime.InteropServices;
using Schane.Tensors;

namespace Schane.Tests.Tensors;

/// <summary>TorchSharp's library on a libstdc++ older than GCC 13.</summary>
public class NativeTorchTests
{
    [Fact]
    public void The_library_as_shipped_does_not_load_on_an_old_libstdcxx_and_the_cured_copy_does()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64,
            "The cure is for Linux on x64.");
        TorchSharp.torch.get_num_threads();                               // libtorch itself is there for both to find
        var shipped = NativeTorch.Find("LibTorchSharp");
        Assert.NotNull(shipped);
        if (NativeLibrary.TryLoad(shipped, out _))
            Assert.Skip($"The libstdc++ of this machine has {NativeTorch.VersionThatIsMissing}: the library loads as it stands.");
        Assert.Contains(NativeTorch.VersionThatIsMissing, Assert.Throws<DllNotFoundException>(() => NativeLibrary.Load(shipped)).Message);
        Assert.True(NativeTorch.Cured);

        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, NativeTorch.WithoutNewVersion(File.ReadAllBytes(shipped)));
            Assert.NotEqual(0, NativeLibrary.Load(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void The_cure_changes_two_bytes_at_most()
    {
        Assert.SkipUnless(NativeTorch.Find("LibTorchSharp") is not null, "This system has no libLibTorchSharp.so.");
        var shipped = File.ReadAllBytes(NativeTorch.Find("LibTorchSharp")!);
        var cured = NativeTorch.WithoutNewVersion(shipped);
        Assert.Equal(shipped.Length, cured.Length);
        Assert.InRange(shipped.Zip(cured).Count(pair => pair.First != pair.Second), 1, 2);
    }

    [Fact]
    public void A_file_that_is_no_library_is_refused_with_the_way_out() =>
        Assert.Contains("restore the TorchSharp package again",
            Assert.Throws<DllNotFoundException>(() => NativeTorch.WithoutNewVersion(new byte[100])).Message);
}
