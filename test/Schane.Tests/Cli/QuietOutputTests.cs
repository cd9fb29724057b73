using System.Text.RegularExpressions;
using Schane.Models;
using Schane.Tensors;
using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>No line on stdout and stderr that is not Schane's.</summary>
/// <remarks>
/// libtorch's warnings of NNPACK appear only where the processor hides its caches, so on other machines the first test proves that
/// nothing else writes there, and the second that NNPACK, whose warnings they are, is not asked.
/// </remarks>
[Trait("Long", "1")]
public class QuietOutputTests
{
    private static readonly Regex Own = new(
        @"^(\s*|(Precision|Weights|The model is computed|Measured on|The run is in|train|step|schane_tiny at|Next, for) .*" +
        @"|  schane (evaluate|predict|serve) .*|  \w+ +[\d.]+ *(\([\d.]+ to [\d.]+\))? *)$");

    [Fact, Trait("Slow", "1")]
    public void Training_on_the_embedded_data_prints_no_line_of_anyone_else()
    {
        using var folder = new TemporaryFolder();
        var ended = SchaneProgram.Run("train", "--steps", "1", "--out", Path.Combine(folder.Path, "run")).Done();
        Assert.DoesNotContain((ended.Output + ended.Errors).Split('\n'), line => !Own.IsMatch(line));
        Assert.DoesNotMatch(Own, "[W1128 10:00:00.000000000 NNPACK.cpp:56] Could not initialize NNPACK! Reason: Unsupported hardware.");
    }

    [Fact]
    public void Nnpack_is_left_out_from_the_first_model_on()
    {
        using var model = ModelRegistry.Create("schane_tiny", seed: 0);
        Assert.SkipWhen(TorchContext.Nnpack is null, "This build of libtorch has no switch for NNPACK.");
        Assert.False(TorchContext.Nnpack);
        try
        {
            TorchContext.Nnpack = true;
            Assert.True(TorchContext.Nnpack);                             // so it is libtorch's own word that is read
        }
        finally
        {
            TorchContext.Nnpack = false;
        }
    }
}
