using Schane.Data.Listing;

namespace Schane.Tests.Data.Listing;

public class PathPatternTests
{
    [Theory]
    [InlineData("*", "a.png", true)]
    [InlineData("*", "x/a.png", false)]
    [InlineData("*.png", "a.jpg", false)]
    [InlineData("?.png", "a.png", true)]
    [InlineData("?.png", "ab.png", false)]
    [InlineData("**", "x/y/a.png", true)]
    [InlineData("**/*.png", "a.png", true)]
    [InlineData("**/*.png", "x/y/a.png", true)]
    [InlineData("**/y/*.png", "x/y/a.png", true)]
    [InlineData("**/y/*.png", "x/y/z/a.png", false)]
    [InlineData("x/**/a.png", "x/a.png", true)]
    [InlineData("x/**/a.png", "y/a.png", false)]
    [InlineData("x*/a.png", "x1/a.png", true)]
    public void A_pattern_means_the_files_that_a_shell_would_name(string pattern, string path, bool matches)
    {
        var parsed = new PathPattern(pattern.Split('/'));
        Assert.Equal(matches, parsed.Matches(path));
        // a file that is meant is never behind a folder that is not looked into
        if (matches && path.LastIndexOf('/') is > 0 and var slash)
            Assert.True(parsed.LeadsInto(path[..slash]));
    }

    [Theory]
    [InlineData("*.png", "x", false)]
    [InlineData("x*/a.png", "y", false)]
    [InlineData("x*/a.png", "x1", true)]
    [InlineData("x/*/a.png", "x/y", true)]
    [InlineData("x/*/a.png", "x/y/z", false)]
    [InlineData("**/a.png", "x/y/z", true)]
    public void Folders_that_can_hold_none_are_not_looked_into(string pattern, string folder, bool leads) =>
        Assert.Equal(leads, new PathPattern(pattern.Split('/')).LeadsInto(folder));
}
