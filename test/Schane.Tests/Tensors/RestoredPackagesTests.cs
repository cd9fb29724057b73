using Schane.Tensors;
using Schane.Tests.Data;

namespace Schane.Tests.Tensors;

public sealed class RestoredPackagesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_TorchSharp_in_the_packages_folder_names_its_own_library_and_the_libtorch_it_was_built_for()
    {
        folder.Write("torchsharp-cpu/0.107.0/torchsharp-cpu.nuspec", """
            <package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata><dependencies><group>
              <dependency id="libtorch-cpu" version="[2.10.0]" /><dependency id="TorchSharp" version="0.107.0" />
            </group></dependencies></metadata></package>
            """u8.ToArray());
        var folders = RestoredPackages.Folders(Path.Combine(folder.Path, "torchsharp/0.107.0/lib/net8.0/TorchSharp.dll"));
        Assert.Equal([Path.Combine(folder.Path, "torchsharp/0.107.0/runtimes/linux-x64/native"),
            Path.Combine(folder.Path, "libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native")], folders);
    }

    [Fact]
    public void One_beside_a_program_names_none() => Assert.Empty(RestoredPackages.Folders("/opt/program/TorchSharp.dll"));

    [Fact]
    public void Without_the_package_that_names_libtorch_its_own_folder_is_all() =>
        Assert.Single(RestoredPackages.Folders(Path.Combine(folder.Path, "torchsharp/0.107.0/lib/net8.0/TorchSharp.dll")));
}
