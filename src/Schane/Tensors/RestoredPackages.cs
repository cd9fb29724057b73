using System.Xml.Linq;

namespace Schane.Tensors;

/// <summary>Native libraries in NuGet's packages folder, where TorchSharp was loaded from there: in notebooks and scripts, which have no
/// folder of their own that packages are copied to.</summary>
internal static class RestoredPackages
{
    private const string Native = "runtimes/linux-x64/native";

    /// <summary>Folders with TorchSharp's library and the libtorch that it was built for; none where it lies elsewhere.</summary>
    /// <param name="torchSharp">Path of TorchSharp.dll: PACKAGES/torchsharp/VERSION/lib/FRAMEWORK/TorchSharp.dll.</param>
    public static IEnumerable<string> Folders(string torchSharp)
    {
        if (torchSharp.Split('/') is not [.., "torchsharp", var version, "lib", _, _])
            yield break;
        var package = Path.GetFullPath(Path.Combine(torchSharp, "..", "..", ".."));
        var all = Path.GetFullPath(Path.Combine(package, "..", ".."));
        yield return Path.Combine(package, Native);
        var bundle = Path.Combine(all, "torchsharp-cpu", version, "torchsharp-cpu.nuspec");
        if (!File.Exists(bundle))
            yield break;
        foreach (var needed in XDocument.Load(bundle).Descendants().Where(e => e.Name.LocalName == "dependency"
            && (string?)e.Attribute("id") == "libtorch-cpu"))
            yield return Path.Combine(all, "libtorch-cpu-linux-x64", ((string?)needed.Attribute("version") ?? "").Trim('[', ']'), Native);
    }
}
