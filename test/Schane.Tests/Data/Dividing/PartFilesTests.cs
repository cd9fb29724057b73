using Schane.Data.Dividing;

namespace Schane.Tests.Data.Dividing;

public class PartFilesTests
{
    [Theory]
    [InlineData(null, 30)]
    [InlineData(60, 6)]
    [InlineData(3600, 30)]
    public void Comparing_images_takes_a_tenth_of_a_short_run_at_most(int? seconds, int most) =>
        Assert.Equal(most, PartFiles.Within(seconds is { } limit ? TimeSpan.FromSeconds(limit) : null).Comparing.TotalSeconds);
}
